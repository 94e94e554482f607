"""What a run does by itself about each fault, on a rig of recording fakes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.rig import cures
from atta_daq.rig.cures import Cures, Obstacles
from atta_daq.rig.fault_limits import LoadingLimits
from atta_daq.rig.loading_floor import LoadingFloor
from atta_daq.rig.recipes import Suspension, Try
from atta_daq.scans.rules import FaultRules
from drivers.errors import DeviceFault, InterlockOpen, Timeout
from drivers.interfaces import CameraStatus

COLD = CameraStatus(False, -70.0, True, 0, 0.1, False, 0, 0, "")


STALLED = "camera stalled: no frame for 4.0 s"
DARKENED = [("camera", "stop"), ("camera", "set_em_gain"), ("camera", "close_shutter")]
"""How every wait begins."""


class Taker:
    """Takes brackets of a given rate; sets trap and camera."""

    def __init__(self, rig: Any, floor: LoadingFloor) -> None:
        self.trap = rig.trap
        self.rates: list[float] = []
        self.configured = 0
        self.stalled: list[str] = []
        """Of the next dark frames that are waited for: why they do not come."""
        self._floor = floor

    def configure_camera(self) -> None:
        self.configured += 1

    def require_frame(self, _interrupted: object) -> None:
        if self.stalled:
            raise DeviceFault("camera", self.stalled.pop(), "see to it")

    def take(self, planned: Any, place: Any, _ended: Any) -> Segment:
        segment = Segment(
            "", place.block, place.attempt, -1, planned.kind, planned.isotope, planned.pumping,
            None, planned.bracket, Setting(), 0.0, 6.0, 5.0, rate=self.rates.pop(0), rate_error=0.0,
        )  # fmt: skip
        return replace(segment, flag=self._floor.judge(segment))


class Lab:
    """The recipes of a run on fakes, and one wait after the other."""

    def __init__(self, rig: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rig = rig
        rig.instruments.camera.answers |= {"status": COLD}
        rig.instruments.lock.mode_check = None
        self.mode: list[str] = []
        """What the next looks at the cell say; '' once it is empty."""
        self.checks_made = 0
        monkeypatch.setattr(cures, "mode_check", self._make_check)
        self.silent: dict[str, str] = {}
        self.alarm = ""
        self.ending = ""
        self.floor = LoadingFloor(LoadingLimits(kr83_v_per_s=0.1))
        self.taker = Taker(rig, self.floor)
        self.tried: list[Try] = []
        self.obstacles = Obstacles(lambda: self.silent, lambda: self.alarm)
        self.next_run()

    def next_run(self) -> None:
        """The recipes are those of one run, what is in its way is the station's."""
        self.recipes = Cures(
            self.rig.instruments, self.rig.config, self.rig.light,
            self.taker, self.rig.clock,  # type: ignore[arg-type]
            self.obstacles, self.floor, rare=True, ending=lambda: self.ending,
        ).recipes()  # fmt: skip

    def _make_check(self, *_arguments: object) -> Callable[..., str]:
        self.checks_made += 1
        return self._look

    def _look(self, go_to: Callable[[float], object]) -> str:
        go_to(0.4)
        return self.mode.pop(0) if self.mode else ""

    def wait(self, cause: str = "camera: no answer") -> Suspension:
        self.tried.clear()
        self.rig.log.clear()
        return Suspension(
            cause, self.recipes, FaultRules(), self.tried.append, now=lambda: self.rig.wall_s
        )

    def through(self, wait: Suspension, most: int = 50) -> str:
        """Step with half a second between; what was in the way last."""
        told = ""
        for _ in range(most):
            if not (told := wait.step()):
                return ""
            self.rig.wall_s += 0.5
        return told

    def used(self) -> list[str]:
        """Recipes that were tried and done, without that of every wait."""
        return [t.recipe for t in self.tried if t.outcome == "done" and not t.routine]


@pytest.fixture
def lab(rig: Any, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(rig, monkeypatch)


def set_status(rig: Any, name: str, **changes: Any) -> None:
    instrument = getattr(rig.instruments, name)
    instrument.answers["status"] = replace(instrument.answers["status"], **changes)


def on_command(rig: Any, name: str, method: str, **changes: Any) -> None:
    """From now on `method` changes the instrument's status."""
    instrument = getattr(rig.instruments, name)

    def act(*_arguments: object) -> Any:
        rig.log.append((name, method))
        set_status(rig, name, **changes)
        return instrument.answers["status"]

    setattr(instrument, method, act)


def test_a_rig_that_is_well_is_set_anew_and_nothing_else(lab: Lab) -> None:
    assert lab.through(lab.wait()) == ""
    assert [t.recipe for t in lab.tried] == ["set trap and camera anew"]
    assert lab.taker.configured == 1
    assert ("trap_switch", "set_trap_light") in lab.rig.asked()


def test_everything_off_comes_back_in_the_order_of_the_rig(lab: Lab) -> None:
    rig = lab.rig
    set_status(rig, "amplifier", seed_on=False, seed_power_mw=0.0, amplifier_on=False)
    set_status(rig, "lock", locked=False, reason="peaks")
    on_command(rig, "amplifier", "seed_on", seed_on=True, seed_power_mw=20.0)
    on_command(rig, "amplifier", "amplifier_on", amplifier_on=True)
    on_command(rig, "lock", "relock", locked=True, reason="")
    assert lab.through(lab.wait("amplifier: it is off")) == ""
    assert lab.used() == [
        "switch the seed on", "relock and verify the mode", "switch the amplifier on",
    ]  # fmt: skip
    asked = [c for c in rig.asked() if c[0] in ("amplifier", "lock")]
    assert asked == [
        ("amplifier", "set_seed_current"), ("amplifier", "seed_on"), ("lock", "relock"),
        ("lock", "set_ratio"), ("amplifier", "amplifier_on"),
    ]  # fmt: skip


def test_an_open_interlock_is_waited_for_and_nothing_is_sent(lab: Lab) -> None:
    set_status(lab.rig, "amplifier", interlock_open=True, amplifier_on=False, seed_on=False)
    wait = lab.wait("amplifier: the interlock of the laser head is open")
    assert "close it at the box" in lab.through(wait)
    assert lab.tried == []
    assert lab.rig.asked() == DARKENED


def test_the_amplifier_stays_off_while_its_seed_is_weak(lab: Lab) -> None:
    set_status(lab.rig, "amplifier", seed_power_mw=3.0, amplifier_on=False)
    wait = lab.wait("amplifier: seed at 3.0 mW")
    told = lab.through(wait)
    assert "less than" in told
    assert "the seed is on: see to its current" in told
    assert ("amplifier", "amplifier_on") not in lab.rig.asked()
    on_command(lab.rig, "amplifier", "amplifier_on", amplifier_on=True)
    set_status(lab.rig, "amplifier", seed_power_mw=20.0)
    assert lab.through(wait) == ""


def test_the_amplifier_comes_back_so_often_in_an_hour_of_rig_time(lab: Lab) -> None:
    rig = lab.rig
    on_command(rig, "amplifier", "amplifier_on", amplifier_on=True)
    most = rig.config.faults.amplifier_restarts_per_h
    for _ in range(most):
        set_status(rig, "amplifier", amplifier_on=False)
        assert lab.through(lab.wait("amplifier: it is off")) == ""
        rig.wall_s += 60.0
        lab.next_run()  # short runs have no more of it together than a long one
    set_status(rig, "amplifier", amplifier_on=False)
    wait = lab.wait("amplifier: it is off")
    told = lab.through(wait)
    assert f"switched on again {most} times within an hour" in told
    assert lab.tried == []
    rig.wall_s += 3600.0
    assert lab.through(wait) == ""
    assert lab.used() == ["switch the amplifier on"]


def test_an_amplifier_that_its_box_does_not_guard_waits_for_a_hand(lab: Lab) -> None:
    set_status(lab.rig, "amplifier", amplifier_on=False, seed_protection_armed=False)
    wait = lab.wait("amplifier: watchdog: the box's own guard is disarmed")
    told = lab.through(wait)
    assert "its box does not guard it against missing seed: arm that at the box" in told
    assert lab.tried == []
    assert ("amplifier", "amplifier_on") not in lab.rig.asked()
    on_command(lab.rig, "amplifier", "amplifier_on", amplifier_on=True)
    set_status(lab.rig, "amplifier", seed_protection_armed=True)
    assert lab.through(wait) == ""
    assert lab.used() == ["switch the amplifier on"]


def test_an_amplifier_that_its_driver_refuses_has_not_been_switched_on_again(lab: Lab) -> None:
    """However long the hand at the box takes: the tries that were refused count for none."""
    set_status(lab.rig, "amplifier", amplifier_on=False)
    refusal = InterlockOpen("amplifier", "the boxes do not guard the amplifier", "lower the limit")
    lab.rig.instruments.amplifier.answers["amplifier_on"] = refusal
    wait = lab.wait("amplifier: it is off")
    assert "it is off" in lab.through(wait, 100)
    assert len(lab.tried) > lab.rig.config.faults.amplifier_restarts_per_h
    assert "do not guard" in lab.tried[-1].outcome
    assert lab.obstacles.restarts_s == []
    on_command(lab.rig, "amplifier", "amplifier_on", amplifier_on=True)
    assert lab.through(wait) == ""
    assert len(lab.obstacles.restarts_s) == 1


def test_a_cell_that_a_zeroing_needs_is_waited_for(lab: Lab) -> None:
    cell = lab.rig.instruments.reference_cell
    cell.answers["read_signal"] = Timeout("reference_cell", "no answer to *IDN?")
    wait = lab.wait("reference_cell: no answer to ACQ:TRIG:DLY?")
    assert lab.through(wait, 8).startswith("reference_cell: no answer")
    assert {t.outcome.split(":")[0] for t in lab.tried} == {"failed"}
    assert len(lab.tried) > 1
    del cell.answers["read_signal"]
    assert lab.through(wait) == ""
    assert lab.used() == ["reach the reference cell"]
    assert lab.through(lab.wait("loading: no answer")) == ""
    assert not [call for call in lab.rig.asked() if call[0] == "reference_cell"], "not its fault"


def test_a_lock_on_the_wrong_mode_is_no_lock(lab: Lab) -> None:
    set_status(lab.rig, "lock", locked=False, reason="mode hop?")
    on_command(lab.rig, "lock", "relock", locked=True, reason="")
    lab.mode[:] = ["no 84Kr line in the reference cell"] * 3
    wait = lab.wait("lock lost: mode hop?")
    assert "no 84Kr line" in wait.step()
    assert wait.step() == "lock: its mode is to be verified", "it says that it is locked"
    assert lab.through(wait) == ""
    tries = [t for t in lab.tried if t.recipe == "relock and verify the mode"]
    assert [t.outcome.split(":")[0] for t in tries] == ["failed", "failed", "failed", "done"]
    assert not lab.rig.light.zeroing


@pytest.mark.parametrize("cause", ["lock lost: peaks", "amplifier: the seed is off"])
def test_a_lock_that_came_back_by_itself_is_verified_all_the_same(lab: Lab, cause: str) -> None:
    assert lab.through(lab.wait(cause)) == ""
    assert lab.used() == ["relock and verify the mode"]
    assert ("lock", "relock") not in lab.rig.asked()


def test_one_check_serves_the_run_and_remembers_where_it_saw_the_line(lab: Lab) -> None:
    for _ in range(2):
        assert lab.through(lab.wait("lock lost: peaks")) == ""
        assert lab.used() == ["relock and verify the mode"]
    assert lab.checks_made == 1


def test_a_lock_that_looks_at_the_cell_itself_is_not_led_over_it_twice(lab: Lab) -> None:
    lab.rig.instruments.lock.mode_check = lambda _go_to: ""
    set_status(lab.rig, "lock", locked=False, reason="peaks")
    on_command(lab.rig, "lock", "relock", locked=True, reason="")
    assert lab.through(lab.wait("lock lost: peaks")) == ""
    assert ("lock", "set_ratio") not in lab.rig.asked()
    assert lab.through(lab.wait("lock lost: peaks")) == ""


def test_a_run_that_ends_does_not_wait_for_the_check_of_the_mode(lab: Lab) -> None:
    lab.ending = "STOP by the operator"
    wait = lab.wait("lock lost: peaks")
    assert "not verified: STOP by the operator" in wait.step()
    assert ("lock", "set_ratio") not in lab.rig.asked()


def test_what_does_not_answer_is_connected_again(lab: Lab) -> None:
    rig = lab.rig
    instruments = [rig.instruments.camera, rig.instruments.loading]
    lab.silent["loading"] = "loading: no answer"

    class Connected:
        """A namespace that can be gone through, as `Instruments` can."""

        def __init__(self) -> None:
            self.__dict__.update(vars(rig.instruments))

        def __iter__(self) -> Any:
            return iter(instruments)

    connected = Cures(
        Connected(), rig.config, rig.light, lab.taker, rig.clock,  # type: ignore[arg-type]
        Obstacles(lambda: lab.silent), lab.floor, rare=True,
    ).recipes()  # fmt: skip
    wait = Suspension("loading: no answer", connected, FaultRules(), lab.tried.append,
                      now=lambda: rig.wall_s)  # fmt: skip
    rig.log.clear()
    assert wait.step() == "loading: no answer"
    assert rig.asked() == [("loading", "connect")]
    lab.silent.clear()
    assert lab.through(wait) == ""


def test_an_alarm_is_waited_for_before_anything_is_switched_on(lab: Lab) -> None:
    lab.alarm = "source pressure: high"
    set_status(lab.rig, "amplifier", amplifier_on=False)
    assert lab.through(lab.wait("source pressure: high")) == "source pressure: high"
    assert lab.tried == []
    assert lab.rig.asked() == DARKENED


def test_a_wait_begins_with_a_dark_camera_and_ends_with_one_set_anew(lab: Lab) -> None:
    lab.alarm = "source pressure: high"
    wait = lab.wait("source pressure: high")
    assert [c for c in lab.rig.log if c[0] == "camera"] == [
        ("camera", "stop"), ("camera", "set_em_gain", 0), ("camera", "close_shutter"),
    ]  # fmt: skip
    assert lab.through(wait) != ""
    assert lab.taker.configured == 0
    lab.alarm = ""
    assert lab.through(wait) == ""
    assert lab.taker.configured == 1


def test_a_wait_for_a_silent_camera_does_not_wait_for_its_answers(lab: Lab) -> None:
    lab.silent["camera"] = "camera: no answer"
    lab.wait("camera: no answer")
    assert lab.rig.asked() == []


def test_a_camera_that_cannot_be_darkened_ends_no_wait(lab: Lab) -> None:
    lab.rig.instruments.camera.answers["stop"] = DeviceFault("camera", "no", "")
    assert lab.through(lab.wait("source pressure: high")) == ""
    assert lab.rig.asked()[:3] == DARKENED


def test_a_camera_that_stalled_is_restarted(lab: Lab) -> None:
    assert lab.through(lab.wait(STALLED)) == ""
    assert lab.used() == ["restart the camera"]
    asked = [method for name, method in lab.rig.asked() if name == "camera"]
    assert asked[3:5] == ["make_safe", "connect"]


def test_a_camera_that_stays_stalled_is_waited_for(lab: Lab) -> None:
    """It used to take an attempt of the block each time: three of them ended the run."""
    lab.taker.stalled = [STALLED] * 3
    assert lab.through(lab.wait(STALLED)) == ""
    restarts = [t.outcome for t in lab.tried if t.recipe == "restart the camera"]
    assert len(restarts) == 4
    assert restarts[-1] == "done"
    assert all("no frame" in outcome for outcome in restarts[:-1])


def test_a_warm_camera_is_cooled_and_waited_for(lab: Lab) -> None:
    camera = lab.rig.instruments.camera
    camera.answers["status"] = replace(COLD, temperature_c=-20.0, temperature_stable=False)
    wait = lab.wait("no EM gain: the sensor is at -20 °C")
    assert "not at its temperature (-20.0 °C)" in lab.through(wait, most=100)
    cooled = [t for t in lab.tried if t.recipe == "cool the camera"]
    assert len(cooled) == 1, "it was told once in 50 s"
    assert ("camera", "cool") in lab.rig.asked()
    camera.answers["status"] = COLD
    assert lab.through(wait) == ""


def test_a_source_that_loads_too_little_is_measured_until_it_loads(lab: Lab) -> None:
    lab.taker.rates = [0.01, 0.02, 0.3]
    low = Segment("", 0, 0, 0, SegmentKind.LOADING_83, 83, False, None, True, Setting(), 0.0, 6.0,
                  5.0, rate=0.0, rate_error=0.0)  # fmt: skip
    flag = lab.floor.judge(low)
    assert lab.through(lab.wait(flag)) == ""
    tries = [t for t in lab.tried if t.recipe == "measure the loading"]
    assert [t.number for t in tries] == [1, 2, 3]
    assert "0.02 V/s" in tries[1].outcome
    assert lab.used() == ["measure the loading"]


def test_a_driver_that_fails_is_a_try_that_failed(lab: Lab) -> None:
    set_status(lab.rig, "amplifier", amplifier_on=False)
    lab.rig.instruments.amplifier.answers["amplifier_on"] = DeviceFault("amplifier", "no", "")
    lab.wait("amplifier: it is off").step()
    assert lab.tried[0].outcome == "failed: amplifier: no"
