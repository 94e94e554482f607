"""What can be done about a fault without anybody: recipes, tried one after the other in a wait.

A recipe says what it cures, looks whether that is the case, and acts. A wait (`Suspension`) goes
through them in their order until nothing is wrong any more. Every try is told; between two tries
of a recipe lies a pause that grows. What has no recipe (an alarm of the vacuum, an open interlock)
is waited for.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from atta_daq.scans.rules import FaultRules
from drivers.errors import DriverError

PAUSES_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Wall time before the first, second, ... try of a recipe in one wait; the last one repeats."""
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?")


def _nothing() -> str:
    return ""


@dataclass(frozen=True)
class Recipe:
    """One cure. All of its functions are called on the thread of the wait."""

    name: str
    """As in 'relock and verify the mode'."""
    cures: str
    """What it is for, in words."""
    wrong: Callable[[], str]
    """What is wrong now that this cures; '' when nothing is. May raise DriverError, which is then
    what is wrong."""
    act: Callable[[], None] | None = None
    """One try. Raises DriverError when it fails. None: it can only be waited for."""
    barred: Callable[[], str] = _nothing
    """Why it must not be tried now; that is waited for, and no try."""
    begin: Callable[[str], None] = lambda _cause: None
    """Told the cause at the beginning of each wait."""
    pauses_s: tuple[float, ...] = PAUSES_S
    routine: bool = False
    """Done in every wait, whatever was wrong: no wait was ended by it."""


@dataclass(frozen=True)
class Try:
    """One try of a recipe, as it is journaled."""

    cause: str
    recipe: str
    number: int
    """In this wait, from 1."""
    outcome: str
    """'done', 'not yet: ' or 'failed: ' with the reason."""
    routine: bool = False


class Suspension:
    """One wait for the rig. `step` is called again and again until `over`."""

    def __init__(
        self,
        cause: str,
        recipes: Sequence[Recipe],
        rules: FaultRules,
        tried: Callable[[Try], None],
        doing: Callable[[str], None] = lambda _text: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tried` is told each try at its end, `doing` what is tried now; `now` is wall time."""
        self.cause = cause
        self._recipes = recipes
        self._rules = rules
        self._tried = tried
        self._doing = doing
        self._now = now
        self._began_s = now()
        self._tries: dict[str, int] = {}
        self._due_s: dict[str, float] = {}
        self._at_work: set[str] = set()
        """Recipes whose last try was no failure and had not helped yet."""
        self._exhausted = ""
        self._told = ""
        self.over = False
        self.given_up = ""
        """Why the rules say that this is enough; '' while they do not."""
        self.cured_by: tuple[str, ...] = ()
        """Recipes whose last try helped, in the order of their success."""
        for recipe in recipes:
            recipe.begin(cause)

    def step(self) -> str:
        """Look, and try what is due. Returns what is in the way; '' when the wait is over."""
        if self.over:
            return ""
        in_the_way = self._round()
        if in_the_way:
            self.given_up = self._enough(in_the_way)
        if not in_the_way or self.given_up:
            self.over = True
            self._doing("")
            return ""
        # A noisy reading is no new reason: it would be told twice a second all night.
        if _NUMBER.sub("#", in_the_way) != _NUMBER.sub("#", self._told):
            self._told = in_the_way
        return self._told

    def _enough(self, in_the_way: str) -> str:
        if self._exhausted:
            return f"{in_the_way} ({self._exhausted})"
        longest_s = self._rules.wait_at_most_s
        if longest_s is not None and self._now() - self._began_s >= longest_s:
            return f"{in_the_way} (not back within {longest_s:g} s)"
        return ""

    def _round(self) -> str:
        for recipe in self._recipes:
            wrong = _wrong(recipe)
            if not wrong:
                if recipe.name in self._at_work:
                    self._helped(recipe)
            elif rest := self._cure(recipe, wrong):
                return rest
        return ""

    def _helped(self, recipe: Recipe) -> None:
        self._at_work.discard(recipe.name)
        if not recipe.routine:
            self.cured_by = (*(n for n in self.cured_by if n != recipe.name), recipe.name)

    def _cure(self, recipe: Recipe, wrong: str) -> str:
        """Try a recipe if it is due. Returns what is still wrong."""
        if recipe.act is None:
            return wrong
        if barred := _said(recipe.barred):
            return wrong if barred == wrong else f"{wrong}; {barred}"
        number, pauses = self._tries.get(recipe.name, 0) + 1, recipe.pauses_s
        due_s = self._due_s.setdefault(recipe.name, self._now() + pauses[0])
        if self._now() < due_s:
            return wrong
        if self._rules.tries is not None and number > self._rules.tries:
            self._exhausted = f"'{recipe.name}' was tried {number - 1} times"
            return wrong
        self._tries[recipe.name] = number
        most = f" of {self._rules.tries}" if self._rules.tries is not None else ""
        self._doing(f"{recipe.name}, try {number}{most}")
        left, failed = "", False
        try:
            recipe.act()
        except DriverError as error:
            left, failed = str(error), True
        else:
            left = _wrong(recipe)
        pause_s = pauses[min(number, len(pauses) - 1)]
        self._due_s[recipe.name] = self._now() + pause_s
        word = "failed: " if failed else "not yet: " if left else "done"
        self._tried(Try(wrong, recipe.name, number, f"{word}{left}", recipe.routine))
        if left:
            (self._at_work.discard if failed else self._at_work.add)(recipe.name)
            self._doing(f"{recipe.name}, try {number}{most}: {word[:-2]}, {pause_s:g} s pause")
        else:
            self._helped(recipe)
        return left


def _wrong(recipe: Recipe) -> str:
    return _said(recipe.wrong)


def _said(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except DriverError as error:
        return str(error)
