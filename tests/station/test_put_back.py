"""The rig stands as before when an activity has ended, however that was."""

from types import SimpleNamespace
from typing import Any

import pytest

from atta_daq.archive.errors import ArchiveError
from atta_daq.station.activity_commands import ActivityCommands
from atta_daq.station.put_back import put_back
from drivers.errors import DeviceFault, InterlockOpen


class Rig:
    """Notes what is set; `fails` raise what they are given."""

    def __init__(self, **fails: Exception) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.said: list[str] = []
        self.fails = fails
        self.amplifier = SimpleNamespace(
            status=lambda: SimpleNamespace(amplifier_current_set_ma=1500.0),
            set_amplifier_current=self.note("current"),
        )
        self.lock = SimpleNamespace(
            status=lambda: SimpleNamespace(ratio_setpoint=0.4), set_ratio=self.note("ratio")
        )
        self.sideband = SimpleNamespace(
            status=lambda: SimpleNamespace(rf_on=True), rf_on=self.note("rf_on")
        )

    def say(self, text: str, _level: str = "info", _source: str = "") -> None:
        self.said.append(text)

    def note(self, what: str) -> Any:
        def call(*arguments: object) -> None:
            self.done.append((what, *arguments))
            if what in self.fails:
                raise self.fails[what]

        return call


BACK = [("rf_on",), ("current", 1500.0), ("ratio", 0.4)]


def zero(rig: Rig, zeroing: Any, ending: str = "") -> object:
    anything: Any = rig
    light: Any = SimpleNamespace(forget=lambda: None)
    by: Any = SimpleNamespace(zero=zeroing)
    commands = ActivityCommands(
        anything, anything, light, anything, anything, anything, by, anything, rig.say,
    )  # fmt: skip
    activity: Any = SimpleNamespace(name="zeroing", ending=ending)
    return commands._zero(activity)


@pytest.mark.parametrize(
    "error", [ArchiveError("the disk is full"), DeviceFault("lock", "lost"), ValueError("a bug")]
)
def test_whatever_a_zeroing_ends_by_the_light_is_put_back(error: Exception) -> None:
    def zeroing(_ending: Any) -> None:
        raise error

    rig = Rig(current=InterlockOpen("amplifier", "it is off"))
    with pytest.raises(type(error)) as raised:
        zero(rig, zeroing)
    assert raised.value is error, "the first failure tells the operator more"
    assert rig.done == BACK
    assert rig.said == ["zeroing: not put back: amplifier: it is off"]


def test_a_zeroing_that_succeeds_tells_what_was_not_put_back() -> None:
    rig = Rig(current=InterlockOpen("amplifier", "it is off"), ratio=DeviceFault("lock", "lost"))
    with pytest.raises(InterlockOpen, match="it is off"):
        zero(rig, lambda _ending: {"ratio": 0.4})
    assert rig.done == BACK
    assert [line.removeprefix("zeroing: not put back: ") for line in rig.said] == [
        "amplifier: it is off", "lock: lost"
    ]  # fmt: skip
    assert zero(Rig(), lambda _ending: {"ratio": 0.4}) == {"ratio": 0.4}


def test_after_a_stop_nothing_is_put_back() -> None:
    rig = Rig()
    zero(rig, lambda _ending: {}, ending="STOP by office")
    assert rig.done == []


def test_a_stop_between_two_steps_ends_them() -> None:
    activity: Any = SimpleNamespace(name="zeroing", ending="")
    rig = Rig()

    def stop() -> None:
        activity.ending = "STOP by office"

    with put_back(activity, rig.say, (rig.note("first"), stop, rig.note("second"))):
        pass
    assert rig.done == [("first",)]
