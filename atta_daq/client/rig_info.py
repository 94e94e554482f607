"""What a client must know of the rig: limits, geometry, calibrations. Posted as `station:rig`."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class RigInfo:
    """The rig file in short; addresses and file names stay in the station."""

    name: str
    geometry: Literal["co", "counter"]
    limits: dict[str, tuple[float, float]]
    """Allowed setpoints by reading (`amplifier:current`, `amplifier:seed_current`,
    `sideband:frequency`, `sideband:power`, `light:detuning`, `light:power`, `camera:gain`)."""
    unseeded_ceiling_ma: float
    """Amplifier current that needs no seed."""
    seed_power_min_mw: float
    seed_operating_ma: float
    full_power_mw: float
    threshold_ma: float
    slope_mw_per_ma: float
    """Power in front of the source = slope x (amplifier current - threshold)."""
    eom_v_pi_v: float
    doppler_even_mhz: float
    doppler_odd_mhz: float
    """Most probable Doppler shift of the beam; at rest = as set - shift (co), + shift (counter)."""
    fsr_mhz: float
    exposure_s: float
    em_gain: int
    roi: tuple[int, int, int, int]
    """x, y, width, height in pixels of the sensor."""
    rate: float
    """Rig seconds per second of UTC."""
    data_dir: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RigInfo":
        """Inverse of `to_dict`. Raises TypeError on a record of another shape."""
        values = dict(data)
        values["limits"] = {key: (low, high) for key, (low, high) in values["limits"].items()}
        values["roi"] = tuple(values["roi"])
        return cls(**values)

    def doppler_mhz(self, isotope: int) -> float:
        """Detuning as set less detuning at rest of an isotope's line, for this geometry."""
        shift = self.doppler_even_mhz if isotope % 2 == 0 else self.doppler_odd_mhz
        return shift if self.geometry == "co" else -shift
