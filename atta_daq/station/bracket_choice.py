"""The bracket period of a scan that leaves it to the rig."""

from atta_daq.rig.config import RigConfig
from atta_daq.scans.bracket_period import AUTO, chosen_period_s
from atta_daq.scans.definition import ScanDefinition


def with_bracket_period(definition: ScanDefinition, config: RigConfig) -> ScanDefinition:
    """The definition with a period in seconds, chosen for the source as `config` has it.

    Raises ValueError where the counting rate is not known that the period depends on.
    """
    if definition.bracket_period_s != AUTO:
        return definition
    rates = config.calibrations.rates
    period_s = chosen_period_s(
        definition,
        config.scan_timing(),
        config.calibrations.source.spectrum(),
        {81: rates.counts_81_per_h, 85: rates.counts_85_per_h},
        rates.loading_relative_error,
    )
    return definition.model_copy(update={"bracket_period_s": period_s})
