"""Transfer efficiencies of all pumping transitions of 84Kr (Table 3)."""

from dataclasses import dataclass

from atta_daq.physics.fivelevel import efficiency, infinite_efficiency, rabi_frequency
from atta_daq.physics.krypton import level, line, lines, pumping_rates

TABLE_INTENSITY_W_M2 = 8000.0
"""The intensity that reproduces the finite column of Table 3 at kappa = 1 (derived)."""
LOWER_LEVELS = ("1s4", "1s3", "1s2")
_UNTABULATED = ("2p5", "2p1")
"""J = 0: no decay to the metastable level (J = 2), so no use for pumping."""


@dataclass(frozen=True)
class Transfer:
    """One pumping transition."""

    lower: str
    upper: str
    wavelength_nm: float
    """Vacuum."""
    efficiency: float
    """On resonance at the intensity asked for."""
    efficiency_infinite: float


def transfer_table(intensity_w_m2: float = TABLE_INTENSITY_W_M2) -> tuple[Transfer, ...]:
    """The 18 transitions of Table 3 in its order: lower level, then rising energy of the upper.

    Raises ValueError for a negative intensity.
    """
    rows = []
    for lower in LOWER_LEVELS:
        uppers = [e.upper for e in lines() if e.lower == lower and e.upper not in _UNTABULATED]
        for upper in sorted(uppers, key=lambda name: level(name).energy_cm):
            pumped, rates = line(lower, upper), pumping_rates(lower, upper)
            eta = efficiency(0.0, rabi_frequency(pumped, intensity_w_m2), rates)
            rows.append(
                Transfer(lower, upper, pumped.wavelength_nm, float(eta), infinite_efficiency(rates))
            )
    return tuple(rows)
