"""What the counting must know of the rig, and how it learns that from frames alone."""

import math
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from atta_daq.counting.emission import Emission, SignalModel, emission
from atta_daq.counting.measured import Measured
from atta_daq.counting.spot import SpotFilter

# Variance and third cumulant of an EM register's output per primary electron, in units of the
# gain: k-th moment of an exponential avalanche, k!. Excess noise factor squared 2.
REGISTER_VARIANCE = 2.0
REGISTER_THIRD_CUMULANT = 6.0


@dataclass(frozen=True)
class CountingCalibration:
    """All that turns frames into atoms. Electrons are detected (primary) electrons."""

    shape: tuple[int, int]
    """(rows, columns) of the frames."""
    exposure_s: float
    spot_row_px: Measured
    """From the centre of the first pixel of the region."""
    spot_column_px: Measured
    spot_sigma_px: Measured
    adu_per_electron: Measured
    """EM gain over conversion; times e-/ADU it is the EM gain."""
    bias_adu: Measured
    read_noise_adu: Measured
    background_electrons: Measured
    """Per pixel and exposure."""
    electrons_per_atom: Measured
    """Of an atom that stays for a whole exposure."""
    zero_electrons: Measured
    """Signal without atoms: what the subtraction of the background leaves."""
    noise_electrons: Measured
    """Standard deviation of the signal without atoms."""
    dwell_s: Measured
    """Mean stay of an atom in the trap."""
    arrivals_per_s: Measured
    """Loading rate during the calibration; no part of the model of later segments."""
    frames: int = 0
    """Exposures that the calibration stands on; 0 for nominal values."""

    @classmethod
    def nominal(
        cls,
        *,
        shape: tuple[int, int],
        exposure_s: float,
        spot_row_px: float,
        spot_column_px: float,
        spot_sigma_px: float,
        em_gain: float,
        electrons_per_adu: float,
        bias_adu: float,
        read_noise_electrons: float,
        background_electrons: float,
        electrons_per_atom: float,
        dwell_s: float,
        relative_error: float = 0.1,
    ) -> "CountingCalibration":
        """From values of the rig file, before any data. `background_electrons` per pixel and
        exposure; `electrons_per_atom` per exposure; every value is given `relative_error`."""

        def known(value: float, unit: str) -> Measured:
            return Measured(value, abs(value) * relative_error, unit)

        gain = em_gain / electrons_per_adu
        spot = SpotFilter(
            shape, spot_row_px, spot_column_px, spot_sigma_px, 1.0 / gain,
            background_electrons, 0.5 * electrons_per_atom,
        )  # fmt: skip
        per_pixel = REGISTER_VARIANCE * background_electrons + (read_noise_electrons / em_gain) ** 2
        noise = math.sqrt(per_pixel * spot.weight_moment(2, of_spot=False))
        return cls(
            shape=shape,
            exposure_s=exposure_s,
            spot_row_px=Measured(spot_row_px, relative_error, "px"),
            spot_column_px=Measured(spot_column_px, relative_error, "px"),
            spot_sigma_px=known(spot_sigma_px, "px"),
            adu_per_electron=known(gain, "ADU/e-"),
            bias_adu=known(bias_adu, "ADU"),
            read_noise_adu=known(read_noise_electrons / electrons_per_adu, "ADU"),
            background_electrons=known(background_electrons, "e-/px"),
            electrons_per_atom=known(electrons_per_atom, "e-"),
            zero_electrons=Measured(0.0, relative_error * noise, "e-"),
            noise_electrons=known(noise, "e-"),
            dwell_s=known(dwell_s, "s"),
            arrivals_per_s=Measured(0.0, 0.0, "1/s"),
        )

    @property
    def dwell_exposures(self) -> float:
        return self.dwell_s.value / self.exposure_s

    @cached_property
    def spot_filter(self) -> SpotFilter:
        """Best for half an atom's light: where the decision between no atom and one falls."""
        return SpotFilter(
            self.shape, self.spot_row_px.value, self.spot_column_px.value,
            self.spot_sigma_px.value, 1.0 / self.adu_per_electron.value,
            self.background_electrons.value, 0.5 * self.electrons_per_atom.value,
        )  # fmt: skip

    def signal_model(self, background_electrons: float | None = None) -> SignalModel:
        """Distribution of the signal; the noise follows `background_electrons` per pixel, if
        given (a leak of light changes it between segments)."""
        return signal_model(
            self.spot_filter,
            self.electrons_per_atom.value,
            self.zero_electrons.value,
            self._noise(background_electrons),
            self.background_electrons.value
            if background_electrons is None
            else background_electrons,
        )

    def emission(self, background_electrons: float | None = None) -> Emission:
        """Tables of the hidden Markov model, for the background of a segment."""
        return emission(self.signal_model(background_electrons), self.dwell_exposures)

    def _noise(self, background_electrons: float | None) -> float:
        noise = self.noise_electrons.value
        if background_electrons is None:
            return noise
        extra = REGISTER_VARIANCE * (background_electrons - self.background_electrons.value)
        variance = noise**2 + extra * self.spot_filter.weight_moment(2, of_spot=False)
        # A background below the calibrated one cannot take more than the noise it made.
        return math.sqrt(max(variance, 0.01 * noise**2))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self) | {"shape": list(self.shape)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "CountingCalibration":
        """Inverse of `to_dict`. Raises KeyError or TypeError on a record of another shape."""
        values: dict[str, Any] = {
            f.name: Measured(**data[f.name]) if f.type is Measured else data[f.name]
            for f in fields(cls)
        }
        values["shape"] = (int(data["shape"][0]), int(data["shape"][1]))
        return cls(**values)


def signal_model(
    spot: SpotFilter,
    electrons_per_atom: float,
    zero_electrons: float,
    noise_electrons: float,
    background_electrons: float,
) -> SignalModel:
    """Cumulants of the filtered signal behind an EM register."""
    third = REGISTER_THIRD_CUMULANT * background_electrons * spot.weight_moment(3, of_spot=False)
    return SignalModel(
        electrons_per_atom=electrons_per_atom,
        zero_electrons=zero_electrons,
        noise_electrons=noise_electrons,
        noise_skewness=third / noise_electrons**3,
        atom_variance=REGISTER_VARIANCE * spot.weight_moment(2, of_spot=True),
        atom_third_cumulant=REGISTER_THIRD_CUMULANT * spot.weight_moment(3, of_spot=True),
    )
