"""Polls the instruments: posts what they say, watches over the amplifier, reconnects.

One thread an instrument, so that a dead one delays no other. All times here are wall time.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from atta_daq.calibration.axis import AxisCalibration
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.standing import sideband_too_strong
from atta_daq.station.alarms import Alarms, Cause
from atta_daq.station.camera_watch import READINGS, CameraWatch
from atta_daq.station.power_check import PowerCheck
from atta_daq.station.register_dose import RegisterDose
from atta_daq.station.server import StationServer
from atta_daq.station.slow_watch import SlowWatch
from atta_daq.station.vigilance import Vigilance
from atta_daq.station.watchdog import Watchdog
from drivers.errors import ConnectionLost, DeviceFault, DriverError, InterlockOpen, Timeout
from drivers.interfaces import AmplifierStatus, CavityScope, CommandedAmplifier, Instrument

log = logging.getLogger(__name__)

POLL_S = 0.5
WATCHDOG_S = 0.2
AGE_S = 0.1
"""Between two looks at how old the reading of the amplifier is."""
LOCK_S = 0.3
"""Its status is two questions and some ramps: a silent one is named within 2 s all the same."""
SLOW_S = 0.5
BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
LOCK_ERRORS = 300


@dataclass(frozen=True)
class Watch:
    """How one instrument is polled."""

    instrument: Instrument
    poll: Callable[[], None]
    readings: tuple[str, ...]
    interval_s: float = POLL_S
    guards: bool = True
    """Its silence flags the segment under way."""
    needed: bool = True
    """A run cannot go on without it."""
    returned: Callable[[], None] = lambda: None
    """Called before the first poll when it answers again after a silence."""


class Monitor:
    """Keeps the process variables fresh and the amplifier alive."""

    def __init__(
        self,
        instruments: Instruments,
        config: RigConfig,
        light: LightControl,
        vigilance: Vigilance,
        server: StationServer,
        alarms: Alarms,
        dose: RegisterDose,
        note: Callable[[str, str], None] = lambda _text, _author: None,
    ) -> None:
        """`note(text, author)` keeps a note with the run under way, if there is one; it raises
        nothing."""
        self._note = note
        self._camera = CameraWatch(
            instruments.camera, server.post, alarms, dose,
            lambda: vigilance.camera(instruments.camera.status),
        )  # fmt: skip
        self._vigilance = vigilance
        self._instruments = instruments
        self._config = config
        self._light = light
        self._server = server
        self._alarms = alarms
        self._stop = threading.Event()
        self._faults: dict[str, str] = {}
        self._silent: dict[str, str] = {}
        self._missing: dict[str, str] = {}
        self._refused: set[str] = set()
        """Instruments that answer and are refused (a guard of theirs is disarmed)."""
        self._faulty: set[str] = set()
        """Instruments whose last reading ended with a `DeviceFault`."""
        self._wakes: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self.watchdog = Watchdog(instruments.amplifier, config)
        self._lock_errors: deque[float] = deque(maxlen=LOCK_ERRORS)
        self._power = PowerCheck(config, server, server.latest)
        self.slow = SlowWatch(config, server)
        self.room: Callable[[], str] = lambda: ""
        """Why there is no room for data; '' while there is."""
        self._set_limits()

    def start(self) -> None:
        """Begin to poll."""
        for watch in self._watches():
            self._wakes[watch.instrument.name] = threading.Event()
            thread = threading.Thread(
                target=self._run, args=(watch,), name=f"poll-{watch.instrument.name}", daemon=True
            )
            self._threads.append(thread)
            # The first look at once: what was found at the boxes may be dangerous.
            self.look_again(watch.instrument.name)
            thread.start()
            if self._is_amplifier(watch):
                # Of its own: a slow answer holds up the one that polls.
                age = threading.Thread(
                    target=self._mind, args=(watch,), name="age-of-amplifier", daemon=True
                )
                self._threads.append(age)
                age.start()

    def close(self) -> None:
        """End all polling."""
        self._stop.set()
        for wake in self._wakes.values():
            wake.set()
        for thread in self._threads:
            thread.join()

    def look_again(self, name: str) -> None:
        """Poll an instrument at once: it need not wait for the end of its back-off."""
        if name in self._wakes:
            self._wakes[name].set()

    def fault(self) -> str:
        """What flags a segment now: an instrument is silent, or something moved by itself."""
        now = (*self._faults.copy().values(), self._vigilance.fault(), self.alarms())
        return "; ".join(text for text in now if text)

    def missing(self) -> dict[str, str]:
        """Instruments that a run needs and that do not answer, each with its error."""
        return self._missing.copy()

    def alarms(self) -> str:
        """What only the lab can mend and a run must wait for: vacuum, discharge, disk."""
        return "; ".join(text for text in (self.slow.fault(), self.room()) if text)

    def silent(self) -> dict[str, str]:
        """Instruments that do not answer, each with its error."""
        return self._silent.copy()

    def _watches(self) -> tuple[Watch, ...]:
        return (*self._always_there(), *self._optional())

    def _optional(self) -> Iterator[Watch]:
        """Of what a rig may go without. They only look: their silence spoils no segment, but for
        a value of the slow control that the rig file says may (`SlowWatch.fault`)."""
        meter, slow = self._instruments.power_meter, self._instruments.slow_control
        if meter is not None:
            poll = partial(self._power.poll, meter)
            yield Watch(meter, poll, ("power_meter:",), guards=False, needed=False)
        if slow is not None:
            yield Watch(slow, partial(self.slow.poll, slow), (), SLOW_S, guards=False, needed=False)

    def _always_there(self) -> tuple[Watch, ...]:
        rig = self._instruments
        return (
            Watch(rig.amplifier, self._amplifier, ("amplifier:", "light:power"), WATCHDOG_S),
            Watch(rig.lock, self._lock, ("lock:", "light:detuning"), LOCK_S),
            Watch(rig.sideband, self._sideband, ("sideband:",)),
            Watch(rig.camera, self._camera.poll, READINGS, returned=self._camera.returned),
            Watch(
                rig.trap_switch,
                self._trap,
                ("trap:offset", "trap:locked", "trap:light", "light:shutter"),
            ),
            # What it is set to stands in each of its records: its silence spoils only those.
            Watch(rig.loading, self._loading, (), guards=False),
            Watch(
                rig.reference_cell,
                self._cell,
                ("cell:signal", "cell:rms"),
                guards=False,
                needed=False,
            ),
        )

    def _run(self, watch: Watch) -> None:
        failures = 0
        while self._waited(watch, failures):
            began_s = time.monotonic()
            try:
                failures = self._look(watch, failures, began_s)
            # A thread that ended would leave its instrument, and the amplifier, without a watch.
            except Exception as error:
                log.exception("polling %s", watch.instrument.name)
                self._broken(watch, error, began_s)
                failures += 1

    def _waited(self, watch: Watch, failures: int) -> bool:
        """Wait until it is to be polled again; whether the station still runs."""
        pause_s = BACK_OFF_S[min(failures, len(BACK_OFF_S)) - 1] if failures else watch.interval_s
        if watch.instrument.name in self._refused:
            pause_s = watch.interval_s
        if self._is_amplifier(watch) and self.watchdog.asks_again:
            pause_s = 0.0
        wake = self._wakes[watch.instrument.name]
        wake.wait(pause_s)
        wake.clear()
        return not self._stop.is_set()

    def _look(self, watch: Watch, failures: int, began_s: float) -> int:
        """Connect if need be, and poll. Returns how often it has failed in a row."""
        name = watch.instrument.name
        self._refused.discard(name)
        try:
            if failures and (refusal := self._refusal(watch)):
                self._does_not_answer(watch, str(refusal))
                if self._is_amplifier(watch):
                    self._watched(self.watchdog.lost(refusal, began_s))
                # It answers: what it says is told, and an amplifier is watched over.
                watch.poll()
                self._refused.add(name)
                return failures
            watch.poll()
        except DriverError as error:
            if not failures:
                self._server.stale(watch.readings, str(error))
            self._does_not_answer(watch, str(error))
            if self._is_amplifier(watch):
                self._watched(self.watchdog.lost(error, began_s))
            return failures + (bool(failures) or self._is_to_connect(name, error))
        self._faulty.discard(name)
        self._faults.pop(name, None)
        self._missing.pop(name, None)
        self._silent.pop(name, None)
        return 0

    def _is_to_connect(self, name: str, error: DriverError) -> bool:
        """Whether an instrument that had answered is to be connected anew after `error`.

        One fault is told and over. One that stays may be held against what `connect` had found (a
        limit that was changed at the box since), or be that of a thread that has ended.
        """
        stays = isinstance(error, DeviceFault) and name in self._faulty
        if isinstance(error, DeviceFault):
            self._faulty.add(name)
        else:
            self._faulty.discard(name)
        return stays or isinstance(error, ConnectionLost | Timeout)

    @staticmethod
    def _refusal(watch: Watch) -> InterlockOpen | None:
        """Connect anew; why the instrument is refused although it answers, if it is."""
        try:
            watch.instrument.connect()
            watch.returned()
        except InterlockOpen as error:
            return error
        return None

    def _does_not_answer(self, watch: Watch, reason: str) -> None:
        name = watch.instrument.name
        if watch.guards:
            self._faults[name] = reason
            # It may answer again before a segment has asked (a connection that was cut once).
            self._vigilance.spoil(reason)
        if watch.needed:
            self._missing[name] = reason
        self._silent[name] = reason

    def _broken(self, watch: Watch, error: Exception, began_s: float) -> None:
        """The station itself failed at an instrument: the same as one that does not answer."""
        name = watch.instrument.name
        text = f"{name}: the station failed to read it ({type(error).__name__}: {error})"
        self._does_not_answer(watch, f"{text}; its log has more, it goes on trying")
        try:
            if self._is_amplifier(watch):
                self._watched(self.watchdog.lost(error, began_s, at_once=True))
            self._server.stale(watch.readings, text)
        except Exception:
            log.exception("telling that %s is not read", name)

    def _mind(self, watch: Watch) -> None:
        began_s = time.monotonic()
        while not self._stop.wait(AGE_S):
            # A sleep that lasts too long was not let end: nor was the thread that reads let run.
            stolen_s = max(0.0, time.monotonic() - began_s - 2.0 * AGE_S)
            try:
                self._mind_age(watch, stolen_s)
            # As with the polling: no error may end the watch.
            except Exception:
                log.exception("looking at the age of the amplifier's reading")
            began_s = time.monotonic()

    def _mind_age(self, watch: Watch, stolen_s: float) -> None:
        late: list[str] = []

        def tell(reason: str, acts: bool) -> None:
            late.append(reason)
            self._silent[watch.instrument.name] = reason
            if acts:
                # It answers: a run that connected it anew would hold up its way down.
                self._does_not_answer(replace(watch, needed=False), reason)

        self._watched(self.watchdog.overdue(tell, stolen_s))
        for reason in late:
            self._server.stale(watch.readings, reason)

    def _is_amplifier(self, watch: Watch) -> bool:
        return watch.instrument is self._instruments.amplifier

    def _amplifier(self) -> None:
        started = time.monotonic()
        self.watchdog.begin(started)
        commanded_ma = self._commanded_ma()
        status = self._vigilance.amplifier(self._instruments.amplifier.status)
        # A current that was on its way meanwhile leaves nothing to compare.
        self._watchdog(
            status, started, commanded_ma if commanded_ma == self._commanded_ma() else None
        )
        post = self._server.post
        post("amplifier:seed_on", status.seed_on)
        post("amplifier:seed_current_set", status.seed_current_set_ma)
        post("amplifier:seed_current", status.seed_current_ma)
        post("amplifier:seed_power", status.seed_power_mw)
        post("amplifier:on", status.amplifier_on)
        post("amplifier:current_set", status.amplifier_current_set_ma)
        post("amplifier:current", status.amplifier_current_ma)
        post("amplifier:output_power", status.output_power_mw)
        post("amplifier:interlock_open", status.interlock_open)
        post("amplifier:emission", status.emission_enabled)
        post("amplifier:protected", status.seed_protection_armed)
        post("amplifier:health", status.message)
        ratio = self._light.calibrations.fibre_power.monitor_ratio
        post("light:power", status.output_power_mw * ratio)

    def _commanded_ma(self) -> float | None:
        amplifier = self._instruments.amplifier
        return amplifier.commanded_ma() if isinstance(amplifier, CommandedAmplifier) else None

    def _watchdog(
        self, status: AmplifierStatus, started: float, commanded_ma: float | None = None
    ) -> None:
        text = self.watchdog.look(status, started, commanded_ma)
        self._server.post("station:watchdog_look", 1e3 * self.watchdog.longest_look_s)
        self._watched(text)

    def _watched(self, text: str) -> None:
        """Tell everybody what the watchdog has done; nothing when it has done nothing."""
        if not text:
            return
        self._vigilance.spoil(f"amplifier: watchdog: {text}")
        self._light.forget()
        self._alarms.raise_(Cause("amplifier:watchdog", "amplifier", text, once=True))
        self._note(f"watchdog of the amplifier: {text}", "station")
        if self.watchdog.slowest_s:
            self._server.post("station:watchdog", 1e3 * self.watchdog.slowest_s)

    def _lock(self) -> None:
        status = self._vigilance.lock(self._instruments.lock.status)
        post = self._server.post
        post("lock:locked", status.locked, "" if status.locked else "major")
        post("lock:reason", status.reason)
        post("lock:ratio", status.ratio)
        post("lock:setpoint", status.ratio_setpoint)
        post("lock:peaks", np.array(status.peaks_us))
        post("lock:rms", abs(status.ratio_rms * self._light.calibrations.cavity.fsr_mhz))
        post("lock:actuator", status.actuator_fraction)
        axis = self._light.axis
        self._lock_errors.append((status.ratio - status.ratio_setpoint) * axis.mhz_per_ratio)
        post("lock:errors", np.array(self._lock_errors))
        post("light:detuning", axis.ratio_to_detuning(status.ratio))
        post("light:detuning_set", axis.ratio_to_detuning(status.ratio_setpoint))
        self._cavity_traces(axis)

    def _cavity_traces(self, axis: AxisCalibration) -> None:
        """Of a lock that digitises the cavity."""
        lock = self._instruments.lock
        traces = lock.traces() if isinstance(lock, CavityScope) else None
        if traces is None:
            return
        post = self._server.post
        post("lock:trace_times", traces.times_us)
        post("lock:trace_master", traces.master_v)
        post("lock:trace_slave", traces.slave_v)
        post("lock:trace_master_peaks", np.array(traces.master_peaks_us))
        post("lock:trace_slave_peaks", np.array(traces.slave_peaks_us))
        post("lock:trace_errors", traces.errors * axis.mhz_per_ratio)

    def _sideband(self) -> None:
        try:
            status = self._vigilance.sideband(self._instruments.sideband.status)
        except DeviceFault:
            # A driver that finds RF above its limit in another unit switches it off.
            self._light.forget()
            raise
        if strong := sideband_too_strong(status, self._config.sideband.power_dbm):
            self._switch_rf_off(strong)
            status = self._instruments.sideband.status()
        self._server.post("sideband:frequency", status.frequency_mhz)
        self._server.post("sideband:power", status.power_dbm)
        self._server.post("sideband:on", status.rf_on)
        if status.pll_locked is None:
            self._server.stale(("sideband:locked",), "this generator does not tell")
        else:
            self._server.post("sideband:locked", status.pll_locked)

    def _switch_rf_off(self, strong: str) -> None:
        """Requests are limited; the knob of the box, or what it woke up with, is not."""
        self._vigilance.spoil(strong)
        self._light.forget()
        try:
            self._instruments.sideband.rf_off()
        except DriverError as error:
            raise type(error)(
                error.instrument,
                f"{strong.removeprefix('sideband: ')}; RF IS NOT OFF: {error.reason}",
                "switch it off at the box",
            ) from error
        text = f"{strong}; it was switched off. Turn the power down at the box"
        self._alarms.raise_(Cause("sideband:power", "sideband", text, once=True))
        self._note(text, "station")

    def _trap(self) -> None:
        status = self._vigilance.trap(self._instruments.trap_switch.status)
        self._server.post("trap:offset", status.offset_mhz)
        self._server.post("trap:locked", status.lasers_locked)
        self._server.post("trap:light", status.trap_light)
        self._server.post("light:shutter", status.pumping_light)

    def _loading(self) -> None:
        """It has no state to read: that it answers is all there is to know."""
        self._instruments.loading.connect()

    def _cell(self) -> None:
        if self._light.zeroing:
            # Who zeroes reads its signal, but does not ask it while the laser moves.
            self._instruments.reference_cell.connect()
            return
        try:
            trace = self._instruments.reference_cell.read_signal(self._config.reference_cell.read_s)
        except DeviceFault as error:
            # STOP cancels a record; the next one shows whether more is wrong.
            self._server.stale(("cell:signal", "cell:rms"), str(error))
            return
        self._server.post("cell:signal", float(trace.volts.mean()))
        self._server.post("cell:rms", float(trace.volts.std()))

    def _set_limits(self) -> None:
        config = self._config
        self._server.limits(
            "amplifier:current", config.amplifier.amplifier_current_ma.low,
            config.amplifier.amplifier_current_ma.high,
        )  # fmt: skip
        self._server.limits(
            "amplifier:seed_current", config.amplifier.seed_current_ma.low,
            config.amplifier.seed_current_ma.high,
        )  # fmt: skip
        self._server.limits("camera:gain", 0, config.camera.em_gain_limit)
        self._server.limits("sideband:power", config.sideband.power_dbm.low,
                            config.sideband.power_dbm.high)  # fmt: skip
        self._server.limits("lock:actuator", 0.05, 0.95)
