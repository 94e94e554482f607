"""Commands that measure calibrations, list them, and take one out of use."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from atta_daq.archive.errors import ArchiveError
from atta_daq.client.client import CommandRefused
from atta_daq.client.names import CALIBRATION_KINDS
from atta_daq.counting.loading import LoadingError
from atta_daq.rig.bench import Bench, Finding, FloatArray
from atta_daq.rig.calibrate_axis import calibrate_axis_zero, calibrate_cavity
from atta_daq.rig.calibrate_camera import calibrate_camera, calibrate_dwell
from atta_daq.rig.calibrate_power import calibrate_fibre_power
from atta_daq.rig.calibrate_sidebands import calibrate_sideband_depth
from atta_daq.rig.calibrate_source import calibrate_source_drift
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.taker import SegmentTaker
from atta_daq.station.activity import Activity
from atta_daq.station.arguments import Arguments
from atta_daq.station.calibration_keeper import CalibrationKeeper
from atta_daq.station.control import Control
from atta_daq.station.log import Say
from atta_daq.station.put_back import put_back
from atta_daq.station.rig_use import RigUse
from atta_daq.station.server import Handler, Post
from atta_daq.station.source_runs import KIND as SOURCE_DRIFT
from atta_daq.station.source_runs import source_drift_of_runs
from drivers.errors import DeviceFault, DriverError

PROCEDURES: Mapping[str, Callable[[Bench], Finding]] = {
    "axis-zero": calibrate_axis_zero,
    "cavity": calibrate_cavity,
    "fibre-power": calibrate_fibre_power,
    "sideband-depth": calibrate_sideband_depth,
    "camera": calibrate_camera,
    "dwell": calibrate_dwell,
    "source-drift": calibrate_source_drift,
}
NEED_LIGHT = ("axis-zero", "cavity", "fibre-power", "sideband-depth", "dwell")


class CalibrationCommands:
    """Handlers of `calibrate`, `calibrations` and `retire_calibration`."""

    def __init__(
        self,
        instruments: Instruments,
        config: RigConfig,
        light: LightControl,
        taker: SegmentTaker,
        clock: RigClock,
        control: Control,
        use: RigUse,
        keeper: CalibrationKeeper,
        post: Post,
        say: Say,
    ) -> None:
        self._instruments = instruments
        self._config = config
        self._light = light
        self._taker = taker
        self._clock = clock
        self._control = control
        self._use = use
        self._keeper = keeper
        self._post = post
        self._say = say

    def handlers(self) -> Mapping[str, Handler]:
        """Handler of each command."""
        return {
            "calibrate": self.calibrate,
            "calibrations": self.calibrations,
            "retire_calibration": self.retire,
        }

    def calibrate(self, client: str, arguments: Arguments) -> object:
        """Answers when the result is stored, in use, and the light where it stood before."""
        kind = arguments.get("kind", "")
        if kind not in PROCEDURES:
            raise CommandRefused(f"calibrate '{kind}'? one of {', '.join(CALIBRATION_KINDS)}")
        self._control.require(client)
        if runs := arguments.get("runs", "").split():
            return self._of_runs(client, kind, runs)
        if kind in NEED_LIGHT:
            self._require_light(kind)
        self._say(f"calibration {kind}", "info", client)
        work = self._use.begin(
            f"calibration {kind}", lambda activity: self._measure(kind, activity), exclusive=True
        )
        return work.wait_answer()

    def _of_runs(self, client: str, kind: str, runs: list[str]) -> object:
        if kind != SOURCE_DRIFT:
            raise CommandRefused(f"runs can calibrate '{SOURCE_DRIFT}', not '{kind}'")
        try:
            found = source_drift_of_runs(self._keeper.store.data, runs)
        except (ArchiveError, ValueError) as error:
            raise CommandRefused(f"calibration {kind}: {error}") from error
        result = self._keeper.keep(kind, found)
        self._say(f"calibrated: {result.id}", "info", client)
        return result.to_dict()

    def calibrations(self, _client: str, arguments: Arguments) -> object:
        """Stored results, newest first; of one kind if it is given."""
        kind = arguments.get("kind", "")
        try:
            found = self._keeper.results()
        except ArchiveError as error:
            raise CommandRefused(str(error)) from error
        return {"results": [r for r in found if not kind or r["kind"] == kind]}

    def retire(self, client: str, arguments: Arguments) -> object:
        """The next older one, or the rig file's, holds then."""
        result_id = arguments.get("id", "")
        reason = arguments.get("reason", "").strip()
        if not reason:
            raise CommandRefused("say why: reason is empty")
        self._control.require(client)
        with self._use.move():
            try:
                self._keeper.retire(result_id, client, reason)
            except KeyError:
                raise CommandRefused(f"no calibration '{result_id}' is in use") from None
        self._say(f"calibration {result_id} retired: {reason}", "info", client)
        return {"retired": result_id}

    def _measure(self, kind: str, activity: Activity) -> dict[str, Any]:
        bench = Bench(
            self._instruments, self._config, self._light, self._taker, self._clock,
            lambda: activity.ending,
            lambda text: self._post("calibrations:progress", text),
            self._show,
            activity.pause,
        )  # fmt: skip
        try:
            with self._put_back(kind, activity):
                # Kept before the light goes back: that may fail, and what was found holds.
                result = self._keeper.keep(kind, PROCEDURES[kind](bench))
                self._say(f"calibrated: {result.id}", "info", "calibrations")
        except LoadingError as error:
            raise DeviceFault(
                "loading", f"calibration {kind}: {error}", "see whether the trap loads"
            ) from error
        finally:
            self._post("calibrations:progress", "")
        return result.to_dict()

    def _show(self, detunings_mhz: FloatArray, volts: FloatArray) -> None:
        self._post("cell:detunings", detunings_mhz)
        self._post("cell:volts", volts)

    def _put_back(self, kind: str, activity: Activity) -> AbstractContextManager[None]:
        """Sidebands and light where they stood before."""
        if kind not in NEED_LIGHT:
            return nullcontext()
        rig = self._instruments
        current_ma = rig.amplifier.status().amplifier_current_set_ma
        ratio = rig.lock.status().ratio_setpoint
        sideband = rig.sideband.status()

        def rf() -> None:
            if sideband.rf_on:
                rig.sideband.set_frequency(sideband.frequency_mhz)
                rig.sideband.set_power(sideband.power_dbm)
                rig.sideband.rf_on()
            else:
                rig.sideband.rf_off()

        return put_back(
            activity,
            self._say,
            (
                self._light.forget,
                rf,
                lambda: rig.trap_switch.set_pumping_light(False),
                lambda: rig.amplifier.set_amplifier_current(current_ma),
                lambda: rig.lock.set_ratio(ratio),
            ),
        )

    def _require_light(self, kind: str) -> None:
        try:
            status = self._instruments.amplifier.status()
        except DriverError as error:
            raise CommandRefused(str(error)) from error
        if not (status.seed_on and status.amplifier_on):
            raise CommandRefused(f"calibration {kind} needs light: switch the light on first")
