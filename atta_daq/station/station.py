"""The station: owns one rig, serves it, runs scans on it, outlives every window."""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from atta_daq import __version__
from atta_daq.archive.calibration_store import CalibrationStore
from atta_daq.archive.disk import make_folder
from atta_daq.archive.history_folder import history_folder
from atta_daq.archive.run_folder import close_dead_runs, run_folders
from atta_daq.calibration.axis import AxisCalibration
from atta_daq.client.client import Endpoint
from atta_daq.client.log import Alarm
from atta_daq.client.names import STOPS
from atta_daq.client.runs import RunInfo
from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.calibrations_in_use import InUse
from atta_daq.rig.clock import RigClock
from atta_daq.rig.config import RigConfig
from atta_daq.rig.cures import Obstacles
from atta_daq.rig.instruments import Answer
from atta_daq.rig.light import LightControl
from atta_daq.rig.mode_check import install_mode_check
from atta_daq.rig.taker import SegmentTaker
from atta_daq.rig.trap_control import TrapControl
from atta_daq.station.activity_commands import ActivityCommands
from atta_daq.station.alarm_rules import AlarmWatch
from atta_daq.station.alarm_store import AlarmStore
from atta_daq.station.alarms import Alarms, Cause
from atta_daq.station.calculator import Calculator
from atta_daq.station.calibration_commands import CalibrationCommands
from atta_daq.station.calibration_keeper import CalibrationKeeper, Rows
from atta_daq.station.check_scan import rehearse
from atta_daq.station.clock_watch import ClockWatch
from atta_daq.station.commands import Commands
from atta_daq.station.control import Control
from atta_daq.station.disk_watch import DiskWatch
from atta_daq.station.display import Display
from atta_daq.station.errors import RigUnreachable
from atta_daq.station.history import LENGTH_S, History, columns_of
from atta_daq.station.history_keeper import HistoryKeeper
from atta_daq.station.log import StationLog
from atta_daq.station.manual import Manual
from atta_daq.station.messages.post_office import PostOffice
from atta_daq.station.monitor import Monitor
from atta_daq.station.ownership import RigLock, wires_of
from atta_daq.station.protection import Protection
from atta_daq.station.queries import Queries
from atta_daq.station.queue.on_station import NightQueue
from atta_daq.station.register_dose import RegisterDose
from atta_daq.station.resume_at_start import ResumeAtStart
from atta_daq.station.rig_info import rig_info
from atta_daq.station.rig_use import RigUse
from atta_daq.station.run_display import RunDisplay
from atta_daq.station.runs import Runs
from atta_daq.station.server import StationServer
from atta_daq.station.slow_watch import slow_readings
from atta_daq.station.upkeep import Upkeep
from atta_daq.station.vigilance import Vigilance
from atta_daq.station.zeroing import AxisZeroing
from atta_daq.steady import SteadyUtc
from drivers.errors import DriverError

REHEARSED_AFTER_S = 5.0
"""So long after its start the station loads what a scan's check needs: then it has settled."""


class Station:
    """Open it, let clients command it, close it."""

    def __init__(self, config: RigConfig, rig_toml: str, data: Path) -> None:
        self._config = config
        self._rig_toml = rig_toml
        self._data = data
        self._clock = RigClock(
            config.clock.rate, config.clock.origin_s, steady_origin_s=config.clock.steady_origin_s
        )
        self._lock = RigLock(config.name, wires=wires_of(config))
        self._ended = threading.Event()
        self._log = StationLog(self._post, time.time)
        self._history_keeper = HistoryKeeper(
            history_folder(data, config.name), columns_of(slow_readings(config)),
            round(config.history.keep_gb * 1e9), self._log.say, time.time, self._clock.now_s,
        )  # fmt: skip
        self._post_office = PostOffice(config.messages, config.name, data, self._log.say)
        self._alarm_store = AlarmStore(data, config.name)
        self._alarms = Alarms(
            self._post, self._log.say, time.time,
            record=self._record, save=self._alarm_store.save,
        )  # fmt: skip
        self._calculator = Calculator()
        self._described: AxisCalibration | None = None
        self._tabulated: Rows = []

    def open(self) -> Endpoint:
        """Take the rig, connect every instrument, serve.

        Raises `owner.AlreadyOwned` for a second station, `RigUnreachable` with every instrument
        that did not answer, `CannotServe`; whatever had answered is released.
        """
        self._lock.acquire(time.time())
        try:
            make_folder(self._data)
            closed = close_dead_runs(
                run_folders(self._data), rig_now=self._clock.now_s, utc_now=time.time,
                rig=self._config.name,
            )  # fmt: skip
            self._assemble()
        except BaseException:
            self._lock.release()
            raise
        self._alarm_store.restore(self._alarms)
        for run_id in closed:
            self._log.say(
                f"run {run_id} had crashed; closed. What it acknowledged is kept", "warning", "run"
            )
            self._post_office.run_ended(_crashed(run_id))
        self._finish_what_was_left()
        post = self._server.post
        post("station:version", __version__)
        post("station:control", "")
        post("station:activity", "")
        self._use.announce_stops()
        post("calibrations:progress", "")
        self._run_display.blank()
        self._history_keeper.start()
        self._post_office.start(self._server.latest)
        self._monitor.start()
        self._upkeep.start()
        self._display.start()
        endpoint = Endpoint(
            rig=self._config.name,
            host=_reached_at(self._config.network.interface),
            tcp_port=self._server.tcp_port,
            udp_port=self._server.udp_port,
            pid=os.getpid(),
            version=__version__,
        )
        self._server.announce(endpoint.to_json())
        self._lock.publish(endpoint)
        self._calculator.prepare(REHEARSED_AFTER_S, rehearse, self._config, self._data)
        if self._config.unattended.resume_at_start:
            # Not only what this start has closed: the one before may not have come so far.
            self._at_start.begin()
        self._night.start()
        return endpoint

    def _finish_what_was_left(self) -> None:
        """What a crash has left is looked for in the list of runs, which a full disk does not let
        be opened or brought up to date: whoever has to make room needs a station that serves."""
        try:
            self._runs.finish_what_was_left()
        except (OSError, sqlite3.Error) as error:
            said = (
                f"the list of runs in {self._data} cannot be brought up to date ({error}): what an "
                "earlier station left gets no report; make room, then start the station again"
            )
            self._alarms.raise_(Cause("station:runs", "station", said, once=True))

    def _assemble(self) -> None:
        # The newest calibration holds: of two, a clock that was set back must not choose the older.
        dated = SteadyUtc()
        store = CalibrationStore(self._data, self._config.name, self._clock.now_s, dated)
        self._keeper = keeper = CalibrationKeeper(self._config, store, dated)
        # What was measured since the rig file was written stands in its place.
        self._config = self._config.with_calibrations(keeper.in_use.values)
        rig = RigAssembly(self._config)
        self._instruments = instruments = rig.instruments
        answers = instruments.connect()
        failed = [answer for answer in answers if answer.error is not None]
        if failed:
            instruments.close()
            raise RigUnreachable("\n".join(f"{a.error} (address {a.address})" for a in failed))
        config, post, say = self._config, self._post, self._log.say
        self._darken_camera()
        self._dose = dose = RegisterDose(self._data, _sensor(answers))
        self._light = light = LightControl(instruments, config, keeper.in_use.axis)
        keeper.apply = self._recalibrate
        install_mode_check(
            instruments, config, lambda: light.axis,
            lambda text: say(text, "warning", "lock"),
        )  # fmt: skip
        trap = TrapControl(instruments, config, self._clock)
        rig.allow_gain(trap.gain_forbidden)
        taker = SegmentTaker(instruments, config, self._clock, light, trap)
        trap.lost_answer = taker.spoil
        zeroing = AxisZeroing(instruments, config, light, post, keeper)
        control = Control(lambda holder: post("station:control", holder))
        self._use = use = RigUse(
            instruments, lambda name: post("station:activity", name), say,
            lambda stops: post(STOPS, stops),
        )  # fmt: skip
        manual = Manual(instruments, config, light, trap, control, use, say)
        activities = ActivityCommands(
            instruments, config, light, taker, control, use, zeroing, post, say
        )
        calibrating = CalibrationCommands(
            instruments, config, light, taker, self._clock, control, use, keeper, post, say
        )
        of_this_rig = slow_readings(config)
        history = History(
            lambda name: self._server.latest(name), time.time,
            more=[reading.name for reading in of_this_rig],
            rig_now=self._clock.now_s, keep=self._history_keeper.add,
        )  # fmt: skip
        past = self._history_keeper.recent(LENGTH_S)
        if past is not None:
            history.restore(past)
        queries = Queries(
            lambda: config.with_calibrations(light.calibrations), self._data, self._calculator,
            history, self._alarms,
            lambda text, author: self._runs.note(text, author), say,
        )  # fmt: skip
        protection = Protection(instruments.amplifier, lambda: self._monitor.watchdog.guard())
        others = {
            **manual.handlers(), **activities.handlers(), **queries.handlers(),
            **protection.handlers(), **calibrating.handlers(),
        }  # fmt: skip
        night = NightQueue(
            config, self._data, self._clock, light, control, use, self._alarms, say,
            tuple(reading.name for reading in of_this_rig),
        )  # fmt: skip
        self._night = night
        commands = Commands(
            config, light, control, use, {**others, **night.handlers()}, say, self._ended.set,
            night.keeper,
        )  # fmt: skip
        network = config.network
        try:
            self._server = StationServer(
                config.name, commands.handlers(), time.time, network.interface,
                network.tcp_port, network.udp_port, self._refused, of_this_rig,
            )  # fmt: skip
        except BaseException:
            instruments.close()
            raise
        self._monitor = Monitor(
            instruments, config, light, Vigilance(config, light, taker), self._server,
            self._alarms, dose, lambda text, author: self._runs.remark(text, author),
        )  # fmt: skip
        watch = AlarmWatch(
            self._alarms, config, self._server.latest, self._monitor.silent, self._data,
            more=lambda: (
                *self._monitor.slow.causes(), *keeper.causes(self._server.latest), *night.causes(),
                *self._runs.drift.causes(), *self._history_keeper.causes(),
                *self._post_office.causes(), *dose.causes(), *self._alarm_store.causes(),
            ),
        )  # fmt: skip
        self._upkeep = Upkeep(
            (
                watch.step,
                self._log.publish,
                history.sample,
                ClockWatch(say, lambda text, author: self._runs.note(text, author)).step,
                self._describe,
                dose.step,
                self._tabulate,
            )
        )
        disk = DiskWatch(self._data, config.faults.disk_free_min_gb)
        self._monitor.room = disk.fault
        self._run_display = RunDisplay(self._server)
        self._run_display.tell_end = self._tell_end
        self._display = Display(taker, self._clock, self._server, config.camera.saturated_adu)
        taker.guard = self._monitor.fault
        night.open()
        self._runs = commands.runs = Runs(
            instruments, config, self._rig_toml, self._data, self._clock, light,
            taker, use, zeroing, keeper, self._run_display, self._alarms, say,
            Obstacles(
                self._monitor.missing, self._monitor.alarms, self._monitor.look_again
            ),
        )  # fmt: skip
        night.serve(self._server, commands, self._runs)
        self._at_start = ResumeAtStart(
            self._data, config.name, commands.go_on_with, use, self._alarms, say
        )
        commands.end_waiting = self._at_start.end

    def _darken_camera(self) -> None:
        """Whatever was left of it: gain 0 and shutter closed before anything else."""
        try:
            self._instruments.camera.make_safe()
        except DriverError as error:
            self._instruments.close()
            raise RigUnreachable(f"the camera cannot be made safe: {error}") from error

    def wait(self, asked_to_end: Callable[[], bool]) -> None:
        """Block until a client shuts the station down, or `asked_to_end` (asked twice a s)."""
        while not self._ended.wait(0.5):
            if asked_to_end():
                return

    def close(self) -> None:
        """End the run if there is one, make everything safe, release the rig."""
        self._at_start.close()
        self._night.stop()
        self._runs.halt()
        # The last fits and the report may take minutes: nobody waits for them with the light on.
        made_safe = self._instruments.make_safe()
        for line in made_safe:
            self._log.say(line)
        self._runs.close()
        self._night.close()
        self._ended.set()
        self._monitor.close()
        self._display.close()
        self._upkeep.close()
        self._post_office.close()
        self._history_keeper.close()
        for line in self._instruments.make_safe():
            if line not in made_safe:
                self._log.say(line)
        self._dose.session(self._instruments.camera.protection().dose_nc)
        self._dose.save()
        self._calculator.close()
        self._instruments.close()
        self._server.close()
        self._lock.release()

    def _post(self, name: str, value: object, severity: str = "", message: str = "") -> None:
        self._server.post(name, value, severity, message)

    def _record(self, event: str, alarm: Alarm) -> None:
        """Something happened to an alarm: for the history, and for who is away."""
        self._history_keeper.alarm(event, alarm)
        if event == "raised" and not alarm.active:  # it has happened, and lasts no longer
            self._history_keeper.alarm("over", alarm)
        self._post_office.alarm(event, alarm)

    def _tell_end(self, info: RunInfo) -> None:
        self._post_office.run_ended(info, self._server.latest("run:fit") or "")

    def _describe(self) -> None:
        """Tell clients of the rig; again when a zeroing has moved what can be reached."""
        if self._described is not self._light.axis:
            self._described = self._light.axis
            config = self._config.with_calibrations(self._light.calibrations)
            info = rig_info(config, self._described, self._data)
            self._post("station:rig", json.dumps(info.to_dict()))

    def _recalibrate(self, calibrations: InUse) -> None:
        """A calibration was measured or retired while the station runs."""
        self._light.calibrations = calibrations.values
        self._light.axis = calibrations.axis
        self._light.forget()

    def _tabulate(self) -> None:
        """The table of calibrations, when it has changed (one may have gone stale)."""
        rows = self._keeper.rows()
        if rows != self._tabulated:
            self._tabulated = rows
            self._server.post_table(rows, "calibrations:table")

    def _refused(self, client: str, command: str, reason: str) -> None:
        self._log.say(f"{command} refused: {reason}", "warning", client)


def _sensor(answers: list[Answer]) -> str:
    """Name of the camera's sensor, for the dose of its register."""
    for answer in answers:
        if answer.name == "camera" and answer.identity is not None:
            return f"{answer.identity.model} {answer.identity.serial}".strip()
    return "camera"


def _crashed(run_id: str) -> RunInfo:
    """A run that was found dead, for who is away."""
    said = "its station died; what it had acknowledged is kept"
    return RunInfo(run_id, "", "", "", 0.0, "crashed", said)


def _reached_at(interface: str) -> str:
    """Address at which clients of this computer find a server on `interface`."""
    return "127.0.0.1" if interface == "0.0.0.0" else interface
