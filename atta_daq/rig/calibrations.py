"""The rig file's calibrations: what the lab measured before, each with its date."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from atta_daq.analysis.drift_spectrum import TYPICAL, DriftSpectrum
from atta_daq.rig.models import RigModel


class Dated(RigModel):
    """A calibration: when it was made and how long it holds."""

    made: datetime | None = None
    """When it was measured."""
    valid_days: float = Field(default=365.0, gt=0)
    """How long it holds."""

    @property
    def made_utc(self) -> datetime | None:
        """`made` with its time zone: UTC where the rig file names none."""
        if self.made is None or self.made.tzinfo is not None:
            return self.made
        return self.made.replace(tzinfo=UTC)


class CavityCalibration(Dated):
    """The transfer cavity: ratio of its peaks to frequency."""

    fsr_mhz: float = Field(gt=0)
    """Free spectral range at the master."""
    fsr_error_mhz: float = Field(ge=0)
    """Its standard error."""
    ratio_sign: Literal[-1, 1]
    """Sign of d(frequency)/d(ratio): polarity of the ramp."""
    zero_ratio: float
    """Ratio on the 84Kr line; a run that zeroes on the reference cell replaces it."""
    zero_error_mhz: float = Field(ge=0)
    """Its standard error."""
    order: int = 0
    """Free spectral ranges between the slave's peak in use and the one on the 84Kr line."""


class FibrePowerCalibration(Dated):
    """power_mw = slope x (amplifier current - threshold), in front of the source."""

    threshold_ma: float
    """Amplifier current at which that line meets zero; the chip itself may begin a little above."""
    slope_mw_per_ma: float = Field(gt=0)
    """Power in front of the source per current."""
    relative_error: float = Field(ge=0)
    """Of the slope."""
    full_power_mw: float = Field(gt=0)
    """The power of a scan that names none; also the largest allowed."""
    monitor_ratio: float = Field(gt=0)
    """Power in front of the source over the amplifier's own output reading."""


class EomCalibration(Dated):
    """Depth of the sidebands against RF power."""

    v_pi_v: float = Field(gt=0)
    """Half-wave voltage of the EOM."""
    v_pi_error_v: float = Field(ge=0)
    """Its standard error."""
    frequency_mhz: float | None = Field(default=None, gt=0)
    """RF at which it was measured."""
    valid_within_mhz: float = Field(default=100.0, gt=0)
    """How far from that RF it is used without a warning; more for a modulator known to be flat."""

    def doubt(self, used_mhz: Iterable[float]) -> str:
        """Why the half-wave voltage is not known at one of these RF frequencies; empty: it is."""
        at_mhz, within_mhz = self.frequency_mhz, self.valid_within_mhz
        far = [f for f in used_mhz if at_mhz is None or abs(f - at_mhz) > within_mhz]
        if not far:
            return ""
        low, high = f"{min(far):g}", f"{max(far):g}"
        used = f"used at {low} MHz" if low == high else f"used at {low} to {high} MHz"
        if at_mhz is None:
            return (
                f"{used}, measured at an RF that the rig file does not tell: "
                "frequency_mhz of calibrations.eom"
            )
        return (
            f"measured at {at_mhz:g} MHz and {used}, trusted within {within_mhz:g} MHz: measure it "
            "there, or widen valid_within_mhz if the modulator is flat"
        )


class DopplerCalibration(Dated):
    """Most probable Doppler shifts of the beam, from the 84Kr and 83Kr spectra."""

    even_mhz: float
    """Most probable shift of 84Kr."""
    even_error_mhz: float = Field(ge=0)
    """Its standard error."""
    odd_mhz: float
    """Most probable shift of the odd isotopes."""
    odd_error_mhz: float = Field(ge=0)
    """Its standard error."""
    even_rms_mhz: float = Field(gt=0)
    """Rms width of the shifts of 84Kr."""
    odd_rms_mhz: float = Field(gt=0)
    """Rms width of the shifts of the odd isotopes."""
    odd_rms_error_mhz: float = Field(gt=0)
    """Its standard error: the prior of a fit without an 83Kr spectrum."""


class PumpingCalibration(Dated):
    """What the spectra are fitted with unless a run says otherwise."""

    rabi_scale: float = Field(gt=0)
    """Factor on the Rabi frequency of Eq. 3."""
    rabi_scale_error: float = Field(gt=0)
    """Its standard error: the prior of a fit without an 83Kr spectrum."""
    waist_mm: float = Field(gt=0)
    """1/e2 radius at the source tube, co-propagating."""
    waist_counter_mm: float = Field(gt=0)
    """The same, counter-propagating."""
    tube_diameter_mm: float = Field(gt=0)
    """Inner diameter of the source tube."""


class RatesCalibration(Dated):
    """What the rig counts and how well it loads. The counts serve forecasts, `bracket_period_s =
    "auto"` and rehearsals; the error of the loading serves the alarm `source:drift`, too."""

    counts_81_per_h: float | None = Field(default=None, gt=0)
    """81Kr without pumping light; left out, a forecast needs an earlier run."""
    counts_85_per_h: float | None = Field(default=None, gt=0)
    """The same for 85Kr."""
    loading_relative_error: float = Field(default=0.01, gt=0)
    """Of one measurement of the 83Kr or 84Kr loading rate."""


class SourceCalibration(Dated):
    """Drift of the discharge source, as `atta-daq calibrate source-drift` measures it. Without
    `made` none of it is used: what is typical holds, and gives way to the brackets of a run."""

    walk_per_root_h: float = Field(default=0.02, gt=0)
    """Random walk of its strength, relative."""
    walk_error_per_root_h: float = Field(default=0.02, ge=0)
    """Its standard error."""
    drift_per_h: float = 0.0
    """Steady drift, relative."""
    excess_noise: float = Field(default=0.0, ge=0)
    """Relative scatter of a bracket beyond that of its bursts."""

    def spectrum(self) -> DriftSpectrum:
        """What the normaliser knows of the source before a run's own brackets."""
        if self.made is None:
            return TYPICAL
        return DriftSpectrum.measured(
            self.walk_per_root_h, self.walk_error_per_root_h, self.drift_per_h, self.excess_noise
        )


class Calibrations(RigModel):
    """What the lab measured before, each with its date."""

    cavity: CavityCalibration
    fibre_power: FibrePowerCalibration
    eom: EomCalibration
    doppler: DopplerCalibration
    pumping: PumpingCalibration
    rates: RatesCalibration = RatesCalibration()
    source: SourceCalibration = SourceCalibration()
