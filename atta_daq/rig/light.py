"""The 819-nm light as one thing: seed, amplifier, sidebands and lock moved in the safe order."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from atta_daq.analysis.records import Setting
from atta_daq.calibration.axis import AxisCalibration
from atta_daq.physics.hyperfine import components
from atta_daq.physics.sidebands import depth_from_power_dbm, power_dbm_from_depth
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from atta_daq.scans.blocks import Target
from drivers.errors import DeviceFault, OutOfRange


@dataclass(frozen=True)
class ResolvedTarget:
    """A target with every number filled in."""

    detuning_mhz: float
    power_mw: float
    sideband_frequency_mhz: float
    sideband_depth: float


class LightControl:
    """Moves the light and reads back where it stands. Not for use from several threads at once."""

    def __init__(self, instruments: Instruments, config: RigConfig, axis: AxisCalibration) -> None:
        self._instruments = instruments
        self._config = config
        self.axis = axis
        self.calibrations = config.calibrations
        """Those in use: the rig file's until newer ones were measured."""
        self.zeroing = False
        """True while the axis is zeroed: the reference cell is in use."""
        self._at: ResolvedTarget | None = None

    @property
    def standing(self) -> ResolvedTarget | None:
        """Where the last `move` put the light; None while it moves or may stand elsewhere."""
        return self._at

    def resolve(self, target: Target, isotope: int) -> ResolvedTarget:
        """Fill in what the target leaves to the rig file: the line's position, full power."""
        detuning = target.detuning_mhz
        if detuning is None:
            detuning = self.line_as_set_mhz(isotope, target.line)
        power = target.power_mw
        if power is None:
            power = self.calibrations.fibre_power.full_power_mw
        return ResolvedTarget(detuning, power, target.sideband_frequency_mhz, target.sideband_depth)

    def line_as_set_mhz(self, isotope: int, line: str | None) -> float:
        """Where a component is met by the moving atoms (MHz from the 84Kr line, as set).

        `line` is named F-F' ('11/2-13/2'); None takes the strongest. Counter-propagating light
        is met at rest - v/lambda, co-propagating light at rest + v/lambda.
        """
        doppler = self.calibrations.doppler
        sign = 1.0 if self._config.geometry == "co" else -1.0
        shift = doppler.even_mhz if isotope % 2 == 0 else doppler.odd_mhz
        candidates = components(isotope)
        if line is None:
            chosen = max(candidates, key=lambda c: c.strength)
        else:
            names = {f"{2 * c.f_lower:.0f}/2-{2 * c.f_upper:.0f}/2": c for c in candidates}
            if line not in names:
                raise OutOfRange(
                    "lock", f"{isotope}Kr has no line {line}", f"its lines are {', '.join(names)}"
                )
            chosen = names[line]
        return chosen.total_mhz + sign * shift

    def switch_on(self, broken_off: Callable[[], str] = lambda: "") -> None:
        """Seed first, then the lock, then the amplifier at or below its ceiling; idempotent.

        A lock that STOP has frozen, or that was lost, is closed again: it needs the seed's light;
        not when `broken_off` has a reason by then.
        """
        amplifier, config = self._instruments.amplifier, self._config.amplifier
        status = amplifier.status()
        if status.interlock_open or not status.emission_enabled:
            what = "interlock is open" if status.interlock_open else "key or emission button is off"
            raise DeviceFault("amplifier", f"its {what}", "close it at the box, then run again")
        if not status.seed_on:
            amplifier.set_seed_current(config.seed_operating_ma)
            amplifier.seed_on()
        if not self._instruments.lock.status().locked:
            if why := broken_off():
                raise DeviceFault("lock", f"not closed: {why}", "relock it when ready")
            self._instruments.lock.relock()
        if not status.amplifier_on:
            amplifier.amplifier_on()

    def switch_off(self) -> None:
        """Amplifier first, then seed and sidebands."""
        self._at = None
        self._instruments.amplifier.amplifier_off()
        self._instruments.amplifier.seed_off()
        self._instruments.sideband.rf_off()

    def sideband_power_dbm(self, depth: float) -> float:
        """RF power that is set for a modulation depth above zero."""
        power = power_dbm_from_depth(depth, self.calibrations.eom.v_pi_v)
        # The generators resolve 0.01 dB; more digits would only fail the read-back.
        return math.floor(power * 100.0 + 0.5) / 100.0

    def move(self, target: ResolvedTarget) -> None:
        """Go to `target`; what already stands there is not touched."""
        at = self._at
        self._at = None
        self._set_sidebands(target, at)
        if at is None or at.power_mw != target.power_mw:
            self._instruments.amplifier.set_amplifier_current(self.current_ma(target.power_mw))
        if at is None or at.detuning_mhz != target.detuning_mhz:
            ratio = self.axis.detuning_to_ratio(target.detuning_mhz)
            self._instruments.lock.set_ratio(ratio)
        self._at = target

    def steer(self, detuning_mhz: float | None = None, power_mw: float | None = None) -> None:
        """Move by hand what is given, frequency or power; the other and the sidebands stay.

        Raises OutOfRange before anything is sent.
        """
        self._at = None
        ratio = None if detuning_mhz is None else self.axis.detuning_to_ratio(detuning_mhz)
        current_ma = None if power_mw is None else self.current_ma(power_mw)
        if ratio is not None:
            self._instruments.lock.set_ratio(ratio)
        if current_ma is not None:
            self._instruments.amplifier.set_amplifier_current(current_ma)

    def forget(self) -> None:
        """The next `move` sets everything anew (after a fault or a calibration)."""
        self._at = None

    def current_ma(self, power_mw: float) -> float:
        """Amplifier current for a power in front of the source."""
        fibre = self.calibrations.fibre_power
        if not 0.0 <= power_mw <= fibre.full_power_mw:
            raise OutOfRange(
                "amplifier",
                f"{power_mw:g} mW asked for",
                f"the calibrated range is 0 to {fibre.full_power_mw:g} mW",
            )
        return fibre.threshold_ma + power_mw / fibre.slope_mw_per_ma

    def read(self) -> Setting:
        """Where the light stands: detuning and power as the instruments report them."""
        lock = self._instruments.lock.status()
        if not lock.locked:
            raise DeviceFault("lock", f"lost: {lock.reason}", "relock")
        status = self._instruments.amplifier.status()
        monitor = self.calibrations.fibre_power.monitor_ratio
        sideband = self._instruments.sideband.status()
        v_pi = self.calibrations.eom.v_pi_v
        on = sideband.rf_on
        setting = Setting(
            detuning_set_mhz=self._at.detuning_mhz if self._at else None,
            detuning_mhz=self.axis.ratio_to_detuning(lock.ratio),
            power_mw=status.output_power_mw * monitor,
        )
        if not on:
            return setting
        return replace(
            setting,
            sideband_frequency_mhz=sideband.frequency_mhz,
            sideband_depth=depth_from_power_dbm(sideband.power_dbm, v_pi),
        )

    def _set_sidebands(self, target: ResolvedTarget, at: ResolvedTarget | None) -> None:
        generator = self._instruments.sideband
        wanted = (target.sideband_frequency_mhz, target.sideband_depth)
        if at is not None and wanted == (at.sideband_frequency_mhz, at.sideband_depth):
            return
        if target.sideband_depth == 0.0 or target.sideband_frequency_mhz == 0.0:
            generator.rf_off()
            return
        generator.set_frequency(target.sideband_frequency_mhz)
        generator.set_power(self.sideband_power_dbm(target.sideband_depth))
        generator.rf_on()
