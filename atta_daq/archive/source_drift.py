"""What a run knew of its source's drift when it began."""

from atta_daq.analysis.drift_spectrum import (
    BRACKET_NOISE,
    SOURCE_DRIFT,
    SOURCE_WALK,
    TYPICAL,
    DriftSpectrum,
)
from atta_daq.archive.header import RunHeader


def drift_of(header: RunHeader) -> DriftSpectrum:
    """From the calibrations in the header; what is typical where none was measured."""
    found = {use.name: use for use in header.calibrations}
    walk = found.get(SOURCE_WALK)
    if walk is None or walk.value <= 0.0:
        return TYPICAL
    drift, noise = found.get(SOURCE_DRIFT), found.get(BRACKET_NOISE)
    return DriftSpectrum.measured(
        walk.value,
        walk.error,
        drift.value if drift is not None else 0.0,
        noise.value if noise is not None else 0.0,
    )
