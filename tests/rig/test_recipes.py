"""A wait for the rig: recipes in order, each try told, pauses kept, given up as the rules say."""

from collections.abc import Callable

from atta_daq.rig.recipes import PAUSES_S, Recipe, Suspension, Try
from atta_daq.scans.rules import FaultRules
from drivers.errors import DeviceFault


class Clock:
    """Wall time that moves when it is told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Box:
    """Something broken that the n-th try mends; 0: only a hand at the box."""

    def __init__(self, name: str, mended_by: int = 1) -> None:
        self.name = name
        self.broken = True
        self.mended_by = mended_by
        self.acted_s: list[float] = []
        self.clock: Callable[[], float] = lambda: 0.0

    def wrong(self) -> str:
        return f"{self.name}: broken" if self.broken else ""

    def act(self) -> None:
        self.acted_s.append(self.clock())
        if len(self.acted_s) != self.mended_by:
            raise DeviceFault(self.name, "still broken", "")
        self.broken = False

    def recipe(self) -> Recipe:
        return Recipe(f"mend {self.name}", "", self.wrong, self.act)


def waiting(
    clock: Clock, *recipes: Recipe, rules: FaultRules | None = None, cause: str = "it broke"
) -> tuple[Suspension, list[Try], list[str]]:
    tried: list[Try] = []
    doing: list[str] = []
    rules = rules or FaultRules()
    return Suspension(cause, recipes, rules, tried.append, doing.append, clock), tried, doing


def run(wait: Suspension, clock: Clock, step_s: float = 0.5, most: int = 10_000) -> list[str]:
    """Step until it is over; what was in the way each time."""
    told = []
    for _ in range(most):
        if not (reason := wait.step()):
            return told
        told.append(reason)
        clock.now_s += step_s
    raise AssertionError("it never ends")


def test_recipes_are_tried_in_their_order_until_nothing_is_wrong() -> None:
    clock = Clock()
    seed, lock = Box("seed"), Box("lock", mended_by=3)
    wait, tried, doing = waiting(clock, seed.recipe(), lock.recipe())
    told = run(wait, clock)
    assert [(t.recipe, t.number, t.outcome) for t in tried] == [
        ("mend seed", 1, "done"),
        ("mend lock", 1, "failed: lock: still broken"),
        ("mend lock", 2, "failed: lock: still broken"),
        ("mend lock", 3, "done"),
    ]
    assert tried[0].cause == "seed: broken"
    assert set(told) == {"lock: still broken", "lock: broken"}
    assert wait.cured_by == ("mend seed", "mend lock")
    assert not wait.given_up
    assert doing[0] == "mend seed, try 1"
    assert doing[-1] == ""
    assert "mend lock, try 2: failed, 1 s pause" in doing


def test_pauses_grow_and_the_last_one_repeats() -> None:
    clock = Clock()
    lock = Box("lock", mended_by=9)
    lock.clock = clock
    wait, _, _ = waiting(clock, lock.recipe())
    run(wait, clock, step_s=0.25)
    gaps = [b - a for a, b in zip(lock.acted_s, lock.acted_s[1:], strict=False)]
    assert gaps == [*PAUSES_S[1:], PAUSES_S[-1], PAUSES_S[-1], PAUSES_S[-1]]


def test_after_so_many_tries_it_is_given_up_once_the_last_has_had_its_pause() -> None:
    clock = Clock()
    lock = Box("lock", mended_by=0)
    wait, tried, _ = waiting(clock, lock.recipe(), rules=FaultRules(tries=3))
    run(wait, clock)
    assert [t.number for t in tried] == [1, 2, 3]
    assert wait.over
    assert wait.given_up == "lock: broken ('mend lock' was tried 3 times)"
    assert clock.now_s == 1000.0 + sum(PAUSES_S[1:4])
    assert wait.step() == "", "over is over"
    assert len(tried) == 3


def test_what_has_no_recipe_is_waited_for_as_long_as_the_rules_allow() -> None:
    clock = Clock()
    alarms = ["pressure: high"]
    vacuum = Recipe("wait", "", lambda: alarms[0])
    wait, tried, _ = waiting(clock, vacuum)
    for _ in range(100):
        assert wait.step() == "pressure: high"
        clock.now_s += 3600.0
    alarms[0] = ""
    assert wait.step() == ""
    assert not tried

    alarms[0] = "pressure: high"
    wait, _, _ = waiting(clock, vacuum, rules=FaultRules(wait_at_most_s=60.0))
    began_s = clock.now_s
    run(wait, clock)
    assert clock.now_s - began_s == 60.0
    assert wait.given_up == "pressure: high (not back within 60 s)"


def test_a_barred_recipe_is_no_try() -> None:
    clock = Clock()
    box, interlock = Box("amplifier"), ["interlock open"]
    recipe = Recipe("on", "", box.wrong, box.act, barred=lambda: interlock[0])
    wait, tried, _ = waiting(clock, recipe, rules=FaultRules(tries=1))
    for _ in range(20):
        assert wait.step() == "amplifier: broken; interlock open"
        clock.now_s += 10.0
    interlock[0] = ""
    assert wait.step() == ""
    assert [t.number for t in tried] == [1]


def test_a_try_that_did_not_help_yet_is_told_so() -> None:
    clock = Clock()
    warm = [True]
    camera = Recipe("cool", "", lambda: "camera: warm" if warm[0] else "", lambda: None,
                    pauses_s=(0.0, 60.0))  # fmt: skip
    wait, tried, _ = waiting(clock, camera)
    for _ in range(100):
        assert wait.step() == "camera: warm"
        clock.now_s += 1.0
    assert [t.outcome for t in tried] == ["not yet: camera: warm"] * 2
    warm[0] = False
    assert wait.step() == ""
    assert wait.cured_by == ("cool",), "it has helped in the end"


def test_what_comes_back_after_a_failure_came_by_itself() -> None:
    clock = Clock()
    lock = Box("lock", mended_by=0)
    wait, _, _ = waiting(clock, lock.recipe())
    wait.step()
    lock.broken = False
    assert wait.step() == ""
    assert wait.cured_by == ()


def test_a_noisy_reading_is_no_new_reason() -> None:
    said = iter(["seed at 0.1 mW, less than 10 mW", "seed at -0.0 mW, less than 10 mW", "seed off"])
    wait, _, _ = waiting(Clock(), Recipe("wait", "", lambda: next(said)))
    assert [wait.step(), wait.step(), wait.step()] == [
        "seed at 0.1 mW, less than 10 mW", "seed at 0.1 mW, less than 10 mW", "seed off",
    ]  # fmt: skip


def test_an_instrument_that_cannot_be_asked_is_what_is_wrong() -> None:
    def silent() -> str:
        raise DeviceFault("lock", "no answer", "")

    wait, tried, _ = waiting(Clock(), Recipe("relock", "", silent, lambda: None))
    assert wait.step() == "lock: no answer"
    assert tried[0].cause == "lock: no answer"


def test_what_is_done_in_every_wait_cures_nothing() -> None:
    box = Box("trap")
    recipe = Recipe("set anew", "", box.wrong, box.act, routine=True)
    wait, tried, _ = waiting(Clock(), recipe)
    assert wait.step() == ""
    assert tried[0].routine
    assert wait.cured_by == ()


def test_every_recipe_hears_the_cause() -> None:
    heard: list[str] = []
    waiting(Clock(), Recipe("a", "", lambda: "", begin=heard.append), cause="lock lost")
    assert heard == ["lock lost"]
