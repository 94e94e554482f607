"""A fit that comes when the next run has begun is none of that run's."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from atta_daq.analysis.results import FitResult
from atta_daq.station.finish import Finished
from atta_daq.station.live import LiveResult, Told
from atta_daq.station.runs import Runs

FIT: Any = SimpleNamespace()
FITS: dict[str, FitResult] = {"85Kr": FIT}


class Desk:
    """A run is under way; what is shown of it, journaled for it and said."""

    def __init__(self, under_way: str) -> None:
        self.shown: list[str] = []
        self.journaled: list[str] = []
        self.said: list[str] = []
        self.session: Any = SimpleNamespace(known={})
        runs: Any = object.__new__(Runs)
        runs._mutex, runs._told = threading.Lock(), Told()
        runs._in_view, runs._session, runs._fitted = under_way, self.session, 2
        runs._display = SimpleNamespace(
            points=lambda _points: self.shown.append("points"),
            fits=lambda _fits: self.shown.append("fits"),
        )
        runs._writer = SimpleNamespace(fit=lambda name, _fit: self.journaled.append(name))
        runs._say = lambda text, *_: self.said.append(text)
        self.runs = runs

    def comes(self, result: LiveResult | Finished) -> None:
        Runs._on_fit(self.runs, result, "")


@pytest.fixture
def desk() -> Desk:
    return Desk("second")


def live(run_id: str) -> LiveResult:
    known: Any = {"adaptive": "where the line stands"}
    return LiveResult(run_id, 40, [], {"85Kr": "no bracket"}, FITS, known)


def test_a_late_final_fit_stays_out_of_the_next_run(desk: Desk) -> None:
    """It was shown as the next run's, and written into its journal as its last fit."""
    desk.comes(Finished("first", FITS, ("83Kr is not fitted: too few points",)))
    assert desk.shown == desk.journaled == []
    assert desk.said == ["run first: 83Kr is not fitted: too few points"]


def test_a_late_live_fit_stays_out_of_the_next_run(desk: Desk) -> None:
    """Its scan would have chosen its points by it, and its own first fits would not have come."""
    desk.comes(live("first"))
    assert desk.shown == desk.journaled == desk.said == []
    assert desk.session.known == {}
    assert desk.runs._fitted == 2


def test_what_is_of_the_run_in_view_is_taken(desk: Desk) -> None:
    desk.comes(live("second"))
    assert desk.shown == ["points", "fits"]
    assert desk.session.known == {"adaptive": "where the line stands"}
    assert desk.runs._fitted == 40
    desk.comes(Finished("second", FITS, ("83Kr is not fitted: too few points",)))
    assert desk.shown == ["points", "fits", "fits"]
    assert desk.journaled == ["85Kr", "85Kr"]
    assert desk.said[1:] == ["83Kr is not fitted: too few points"]
