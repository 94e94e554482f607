"""A station that can die between any two writes: the real queue on an archive of the mind.

`Medium` counts writes. When the power is cut, the write at hand is there or not, and every later
one fails until the station is started anew from what the medium holds.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace

from atta_daq.station.errors import NothingMissing, RigBusy
from atta_daq.station.queue.conditions import Look
from atta_daq.station.queue.entry import Entry, Outcome
from atta_daq.station.queue.fate import SHUT_DOWN, Fate
from atta_daq.station.queue.keeper import Announce, QueueKeeper
from atta_daq.station.queue.night import Night
from atta_daq.station.queue.starter import Starter

BLOCKS = 2
"""Of every scan."""


class PowerCut(BaseException):
    """Not an Exception: nothing that guards against errors may survive it."""


@dataclass(frozen=True)
class FakeRun:
    """A run on the medium."""

    entry: int | None
    """Whose; None for a run that an operator started."""
    resumes: str = ""
    blocks: int = 0
    """Taken by it and by all that it goes on with."""
    outcome: Outcome = Outcome.UNDER_WAY
    reason: str = ""
    held: bool = True
    """Its writer lives."""


@dataclass
class Medium:
    """What survives: the file of the queue and the folders of the runs."""

    queue: str = ""
    runs: dict[str, FakeRun] = field(default_factory=dict)
    cut_in: int | None = None
    """Writes until the power goes."""
    lands: bool = False
    """Whether the write during which it goes is on the medium."""
    full: bool = False
    dead: bool = False

    def write(self, **content: object) -> None:
        if self.dead:
            raise PowerCut
        if self.cut_in is not None:
            self.cut_in -= 1
            if self.cut_in <= 0:
                self.dead = True
                if self.lands:
                    self.__dict__.update(content)
                raise PowerCut
        if self.full:
            raise OSError(28, "No space left on device")
        self.__dict__.update(content)

    def put_run(self, run_id: str, run: FakeRun) -> None:
        self.write(runs={**self.runs, run_id: run})


class FakeStore:
    """Stands for `QueueStore`; its text is the real one's."""

    path = "queue.json"

    def __init__(self, medium: Medium) -> None:
        self._medium = medium

    def load(self) -> Night:
        text = self._medium.queue
        return Night.model_validate_json(text) if text else Night()

    def save(self, night: Night) -> None:
        self._medium.write(queue=night.model_dump_json())


class FakeRig:
    """Carries runs out when it is told to, on the medium."""

    def __init__(self, medium: Medium) -> None:
        self.medium = medium
        self.current = ""
        self.activity = ""
        self.refuse = ""
        """Why no scan can be taken (any more)."""
        self.started: list[Entry] = []

    def under_way(self) -> str:
        return self.current

    def busy(self) -> str:
        return self.activity or (f"run {self.current} is under way" if self.current else "")

    def take(self, entry: Entry, announce: Announce) -> None:
        if self.refuse:
            raise ValueError(self.refuse)
        self._begin(FakeRun(entry.number), announce)
        self.started.append(entry)

    def go_on_with(self, run_id: str) -> None:
        self.resume(run_id, by_queue=True)

    def resume(self, run_id: str, *, by_queue: bool) -> None:
        """As `Commands.go_on_with`, by hand too."""
        run = self.medium.runs[run_id]
        assert run.outcome is not Outcome.UNDER_WAY, "only what has ended can be gone on with"
        assert not self.went_on(run_id), f"{run_id} is gone on with twice"
        if run.blocks >= BLOCKS:
            raise NothingMissing(f"{run_id} holds all of its blocks")
        # What fills the gaps of a run that is done for its entry is nobody's.
        entry = run.entry if run.outcome is not Outcome.COMPLETE else None
        again = FakeRun(entry, run_id, run.blocks)
        with self.keeper.goes_on(run_id, by_queue=by_queue) as announce:
            self._begin(again, announce)

    def start_by_hand(self) -> None:
        self._begin(FakeRun(None), lambda _run_id: None)

    def _begin(self, run: FakeRun, announce: Announce) -> None:
        if why := self.busy():
            raise RigBusy(why)
        run_id = f"r{len(self.medium.runs) + 1}"
        announce(run_id)
        self.medium.put_run(run_id, run)
        self.current = run_id

    def block(self) -> None:
        """The run takes a block; the last one completes it."""
        run = self.medium.runs[self.current]
        run = replace(run, blocks=run.blocks + 1)
        self.medium.put_run(self.current, run)
        if run.blocks >= BLOCKS:
            self.end(Outcome.COMPLETE)

    def end(self, outcome: Outcome, reason: str = "") -> None:
        run = replace(self.medium.runs[self.current], outcome=outcome, reason=reason, held=False)
        self.medium.put_run(self.current, run)
        self.current = ""

    def fate(self, run_id: str) -> Fate:
        run = self.medium.runs.get(run_id)
        if run is None:
            return Fate(began=False)
        return Fate(True, run.outcome, run.reason)

    def went_on(self, run_id: str) -> str:
        return next((name for name, run in self.medium.runs.items() if run.resumes == run_id), "")

    keeper: QueueKeeper


class DyingStation:
    """One life of a station on what the last one left on the medium."""

    def __init__(self, medium: Medium, clock: list[float], *, by_itself: bool) -> None:
        self.medium = medium
        self.alarm = False
        self.said: list[str] = []
        medium.dead, medium.cut_in = False, None
        # As `close_dead_runs`.
        for name, run in medium.runs.items():
            if run.outcome is Outcome.UNDER_WAY:
                died = replace(run, outcome=Outcome.DIED, reason="died", held=False)
                medium.runs = {**medium.runs, name: died}
        self.rig = FakeRig(medium)
        store = FakeStore(medium)
        self.keeper = QueueKeeper(store, self.rig.fate, lambda: clock[0])  # type: ignore[arg-type]
        self.rig.keeper = self.keeper
        look = Look(lambda _name: 0.0 if self.alarm else 1.0, list, lambda: 10**12)
        self.starter = Starter(
            self.keeper, self.rig, look, lambda: clock[0], lambda: clock[0], (),
            lambda text, level="info", source="": self.said.append(text),
        )  # fmt: skip
        self.starter.open(by_itself=by_itself)

    @property
    def night(self) -> Night:
        return self.keeper.night

    def shut_down(self) -> None:
        """As `Station.close`."""
        self.starter.stop()
        if self.rig.current:
            with suppress(OSError):  # a full disk: the next start finds no stop document
                self.rig.end(Outcome.DIED, SHUT_DOWN)
        self.starter.close()
