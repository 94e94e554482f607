"""A link without a station: tests feed readings and see which commands were sent."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes_calibrations import calibration_table
from fakes_queue import table as queue_table
from PySide6.QtCore import QObject, Signal

from atta_daq.client.endpoint import Endpoint
from atta_daq.client.rig_info import RigInfo
from gui.actions.commands import bind_commands
from gui.actions.registry import Actions
from gui.actions.table import ACTIONS
from gui.context import Context
from gui.link.station import LinkState
from gui.link.values import OK, Value
from gui.model.readings import Readings
from gui.model.state import RigState
from gui.notices import Notices
from gui.settings import Settings
from gui.theme.theme import Theme

RIG = RigInfo(
    name="test-rig",
    geometry="co",
    limits={
        "amplifier:current": (0.0, 2500.0),
        "amplifier:seed_current": (0.0, 106.0),
        "sideband:frequency": (10.0, 1000.0),
        "sideband:power": (-40.0, 15.0),
        "light:detuning": (-1000.0, 1500.0),
        "light:power": (0.0, 499.0),
        "camera:gain": (0.0, 300.0),
    },
    unseeded_ceiling_ma=300.0,
    seed_power_min_mw=10.0,
    seed_operating_ma=90.0,
    full_power_mw=499.0,
    threshold_ma=800.0,
    slope_mw_per_ma=0.294,
    eom_v_pi_v=4.0,
    doppler_even_mhz=290.0,
    doppler_odd_mhz=260.0,
    fsr_mhz=3000.0,
    exposure_s=0.1,
    em_gain=200,
    roi=(235, 236, 40, 40),
    rate=1.0,
    data_dir="data",
)


@dataclass
class Sent:
    """A command that the window sent; answer it with `done(answer)` or `refused(reason)`."""

    name: str
    arguments: dict[str, Any]
    done: Callable[[Any], None]
    refused: Callable[[str], None]


class FakeLink(QObject):
    """Stands for `gui.link.station.Link`."""

    state_changed = Signal()
    values = Signal(dict)

    def __init__(self) -> None:
        super().__init__()
        self.name = "this-window"
        self.endpoint: Endpoint | None = None
        self.state = LinkState.CONNECTED
        self.reason = "station 'test-rig'"
        self.sent: list[Sent] = []
        self.welcomes_any = False

    def welcome_any(self) -> None:
        """Noted."""
        self.welcomes_any = True

    def start(self) -> None:
        """Nothing to look for."""

    def close(self) -> None:
        """Nothing to let go of."""

    def command(
        self,
        name: str,
        *,
        done: Callable[[Any], None] | None = None,
        refused: Callable[[str], None] | None = None,
        timeout_s: float = 30.0,
        **arguments: Any,
    ) -> None:
        nothing: Callable[[Any], None] = lambda _: None  # noqa: E731
        self.sent.append(Sent(name, arguments, done or nothing, refused or nothing))

    def feed(self, **readings: Any) -> None:
        """New values; `lock__locked=True` is the reading `lock:locked`."""
        self.values.emit(
            {
                name.replace("__", ":"): value if isinstance(value, Value) else Value(value, OK, "")
                for name, value in readings.items()
            }
        )

    def go(self, state: LinkState, reason: str) -> None:
        """The state of the connection changes."""
        self.state, self.reason = state, reason
        self.state_changed.emit()


def make_context(folder: Path) -> tuple[Context, FakeLink]:
    """A context on a `FakeLink`, fed with an idle rig whose light is on."""
    link: Any = FakeLink()
    readings = Readings()
    state = RigState(link, readings)
    actions = Actions(ACTIONS, state, link)
    context = Context(
        link, readings, state, actions, Theme(), Settings(folder / "window.json"), Notices()
    )
    link.values.connect(readings.deliver)
    readings.watch(actions.refresh, "run:state", "station:activity", "station:control")
    bind_commands(context)
    feed_idle(link)
    return context, link


def feed_idle(link: FakeLink) -> None:
    """A healthy rig that does nothing."""
    link.feed(
        station__rig=json.dumps(RIG.to_dict()), station__version="0", station__control="",
        station__activity="", station__log="[]", station__alarms="[]", station__message="",
        station__rig_time=1.7e9, station__watchdog=0.0,
        amplifier__seed_on=True, amplifier__seed_current_set=90.0, amplifier__seed_current=90.0,
        amplifier__seed_power=22.0,
        amplifier__on=True, amplifier__current_set=2497.3, amplifier__current=2497.1,
        amplifier__output_power=594.0, amplifier__interlock_open=False, amplifier__emission=True,
        amplifier__protected=True, amplifier__health="ok",
        light__detuning_set=-100.0, light__detuning=-100.4, light__power=499.0,
        light__shutter=False,
        lock__locked=True, lock__reason="", lock__ratio=0.4, lock__setpoint=0.4, lock__rms=0.8,
        lock__actuator=0.5,
        sideband__frequency=250.0, sideband__power=5.0, sideband__on=False, sideband__locked=True,
        camera__temperature=-80.0, camera__stable=True, camera__gain=0, camera__exposure=0.1,
        camera__acquiring=False, camera__shutter=False, camera__frames=0, camera__lost=0,
        camera__saturated=0.0, camera__dose=0.42, camera__dose_total=1284.0, camera__trip="",
        calibrations__progress="", calibrations__table=calibration_table(time.time()),
        station__watchdog_look=112.0,
        trap__isotope=85, trap__switching=False, trap__offset=-265.0, trap__locked=True,
        trap__light=True,
        power_meter__power=9.98, power_meter__source_power=499.1, power_meter__disagreement=0.0002,
        power_meter__wavelength=819.0, power_meter__range=11.0, power_meter__overrange=False,
        power_meter__zeroing=False, power_meter__dark=0.0003, slow__readings="[]",
        run__state="idle", run__id="", run__outcome="", run__segment=0, run__segments=0,
        run__remaining=0.0, run__suspended="", run__info="", run__point="", run__points="",
        run__fit="",
        queue__state="idle", queue__reason="", queue__paused=False, queue__entry=0,
        queue__table=queue_table(),
    )  # fmt: skip
