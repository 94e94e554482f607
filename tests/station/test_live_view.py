"""The live view's lease, on a camera that exposes for ever."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from atta_daq.client.client import CommandRefused
from atta_daq.client.log import Level
from atta_daq.station.activity import Activity
from atta_daq.station.alignment import Alignment
from atta_daq.station.lease import Lease
from atta_daq.station.live_view import LiveView
from drivers.interfaces import CameraProtection


class Quiet:
    """Answers every call of the set-up with nothing, and notes it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.after: dict[str, Callable[[], None]] = {}
        self.stall_s = 1e9
        self.em_gain = 200

    def __getattr__(self, name: str) -> Any:
        if name in ("camera", "trap", "trap_switch", "provisional"):
            return self
        if name == "protection":
            return lambda: CameraProtection(0.0, 0, "", 0.0)

        def call(*_: object) -> None:
            self.calls.append(name)
            self.after.get(name, lambda: None)()

        return call


@pytest.mark.timeout(10)
@pytest.mark.parametrize("last", ["configure_camera", "light_on", "to"])
@pytest.mark.parametrize("what", ["view", "alignment"])
def test_stop_in_the_set_up_lets_no_more_come_on(what: str, last: str) -> None:
    rig = Quiet()
    quiet = cast(Any, rig)
    work = (
        LiveView(85, quiet, quiet, quiet, Lease(60.0, lambda: 0.0), lambda *_: None)
        if what == "view"
        else Alignment(quiet, quiet, cast(Any, SimpleNamespace(moves=0)), lambda *_: None)
    )
    activity = Activity(what, work, lambda *_: None)
    rig.after[last] = lambda: activity.end("STOP")
    activity.begin()
    assert activity.ended.wait(5.0)
    order = ["configure_camera", "light_on", "to"]
    assert rig.calls == order[: order.index(last) + 1]


@pytest.mark.timeout(10)
def test_a_view_that_nobody_keeps_goes_off_and_says_so() -> None:
    rig = Quiet()
    now = [0.0]
    lease = Lease(60.0, lambda: now[0])
    said: list[tuple[str, str]] = []
    failures: list[str] = []
    quiet = cast(Any, rig)

    def say(text: str, level: Level = "info", source: str = "station") -> None:
        said.append((text, level))

    view = LiveView(85, quiet, quiet, quiet, lease, say)
    activity = Activity(view.name, view, lambda _activity, failure: failures.append(failure))
    now[0] = 1000.0  # the set-up took its time: that does not count
    activity.begin()
    activity.wait_ready()
    now[0] = 1059.0
    lease.renew()
    assert not activity.ended.wait(0.1)
    now[0] = 1119.0
    with pytest.raises(CommandRefused, match="nobody has asked for it for 60 s"):
        activity.wait_answer()
    assert failures == [""], "it is no fault: the light on the atoms stays"
    assert said == [
        ("camera view 85Kr ended: nobody has asked for it for 60 s", "warning")
    ]  # fmt: skip
    assert rig.calls[-1] == "stop"
