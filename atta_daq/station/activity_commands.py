"""Commands that begin and end what the rig does outside a run."""

from collections.abc import Mapping
from typing import Any

from atta_daq.client.client import CommandRefused
from atta_daq.client.names import VIEW_LEASE_S
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.taker import SegmentTaker
from atta_daq.station.activity import Activity
from atta_daq.station.alignment import Alignment
from atta_daq.station.arguments import Arguments, flag, isotope
from atta_daq.station.control import Control
from atta_daq.station.lease import Lease
from atta_daq.station.live_view import LiveView
from atta_daq.station.log import Say
from atta_daq.station.put_back import Step, put_back
from atta_daq.station.rig_use import RigUse
from atta_daq.station.server import Handler, Post
from atta_daq.station.zeroing import AxisZeroing
from drivers.errors import DriverError


class ActivityCommands:
    """Handlers of zeroing, live view and alignment; at most one of them is under way."""

    def __init__(
        self,
        instruments: Instruments,
        config: RigConfig,
        light: LightControl,
        taker: SegmentTaker,
        control: Control,
        use: RigUse,
        zeroing: AxisZeroing,
        post: Post,
        say: Say,
        view_lease_s: float = VIEW_LEASE_S,
    ) -> None:
        """`view_lease_s`: wall time that a live view goes on without `keep_view`."""
        self._view_lease_s = view_lease_s
        self._instruments = instruments
        self._config = config
        self._light = light
        self._taker = taker
        self._control = control
        self._use = use
        self._zeroing = zeroing
        self._post = post
        self._say = say
        self._view: Activity | None = None
        self._lease = Lease(view_lease_s)

    def handlers(self) -> Mapping[str, Handler]:
        """Handler of each command."""
        return {
            "zero_axis": self.zero_axis,
            "camera_view": self.camera_view,
            "keep_view": self.keep_view,
            "align": self.align,
        }

    def zero_axis(self, client: str, _arguments: Arguments) -> object:
        """Answers when the axis stands on its new zero and the light where it stood before."""
        self._control.require(client)
        self._require_light()
        self._say("zeroing", "info", client)
        return self._use.begin("zeroing", self._zero, exclusive=True).wait_answer()

    def camera_view(self, client: str, arguments: Arguments) -> object:
        """Answers when the camera runs. Another isotope replaces the one in view.

        It goes off by itself unless `keep_view` comes in time.
        """
        on = flag(arguments, "on")
        view = None
        if on:
            mass = isotope(arguments, (81, 85, 0))
            lease = Lease(self._view_lease_s)
            rig, config = self._instruments, self._config
            view = LiveView(mass, rig, config, self._taker, lease, self._say)
        self._control.require(client)
        if self._viewing():
            self._use.end_activity(f"switched off by {client}")
        if view is None:
            return {"activity": self._name()}
        self._say(view.name, "info", client)
        self._view, self._lease = self._use.begin(view.name, view), view.lease
        self._view.wait_ready()
        return {"activity": view.name}

    def keep_view(self, client: str, _arguments: Arguments) -> object:
        """The one in control still looks at the live view."""
        self._control.require(client)
        if not self._viewing():
            raise CommandRefused("no live view is under way")
        self._lease.renew()
        return {"activity": self._name()}

    def align(self, client: str, arguments: Arguments) -> object:
        """Answers when the first slope begins."""
        on = flag(arguments, "on")
        self._control.require(client)
        if not on:
            if self._name() == Alignment.name:
                self._use.end_activity(f"switched off by {client}")
            return {"activity": self._name()}
        self._say(Alignment.name, "info", client)
        work = Alignment(self._instruments, self._taker, self._use, self._post)
        self._use.begin(work.name, work).wait_ready()
        return {"activity": work.name}

    def _viewing(self) -> bool:
        return self._view is not None and self._use.activity is self._view

    def _name(self) -> str:
        activity = self._use.activity
        return "" if activity is None else activity.name

    def _require_light(self) -> None:
        try:
            status = self._instruments.amplifier.status()
        except DriverError as error:
            raise CommandRefused(str(error)) from error
        if not (status.seed_on and status.amplifier_on):
            raise CommandRefused("the reference cell needs light: switch the light on first")

    def _zero(self, activity: Activity) -> dict[str, Any]:
        rig = self._instruments
        current_ma = rig.amplifier.status().amplifier_current_set_ma
        ratio = rig.lock.status().ratio_setpoint
        rf: tuple[Step, ...] = (rig.sideband.rf_on,) if rig.sideband.status().rf_on else ()
        steps = (
            self._light.forget,
            *rf,
            lambda: rig.amplifier.set_amplifier_current(current_ma),
            lambda: rig.lock.set_ratio(ratio),
        )
        with put_back(activity, self._say, steps):
            return self._zeroing.zero(lambda: activity.ending)
