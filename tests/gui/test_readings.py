"""Readings and those who watch them: one that fails costs nobody else the news; all end in time."""

import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject

from gui.link.values import OK, Value
from gui.model.readings import Readings


def test_a_watcher_that_fails_does_not_cost_the_others_their_news(
    qapp: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings, told, failed = Readings(), [], []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, _trace: failed.append(str(error)))

    def fail() -> None:
        raise ValueError("the first cannot draw")

    readings.watch(fail, "lock:locked")
    readings.watch(lambda: told.append(readings.flag("lock:locked")), "lock:locked")
    readings.updated.connect(lambda: told.append("updated"))
    readings.deliver({"lock:locked": Value(True, OK, "")})
    assert told == [True, "updated"]
    assert failed == ["the first cannot draw"]


def test_a_watch_ends_with_its_owner(qapp: object) -> None:
    readings, told = Readings(), []
    owner = QObject()
    tell: Callable[[], None] = lambda: told.append(1)  # noqa: E731
    readings.watch_with(owner, tell, "run:state")
    readings.deliver({"run:state": Value("idle", OK, "")})
    owner.deleteLater()
    QCoreApplication.sendPostedEvents(owner, QEvent.Type.DeferredDelete)
    readings.deliver({"run:state": Value("running", OK, "")})
    assert told == [1]


def test_what_has_never_come_says_why_there_is_none(qapp: object) -> None:
    readings, told = Readings(), []
    readings.watch(lambda: told.append(readings.value("lock:locked").message), "lock:locked")
    readings.age("no station runs")
    value = readings.value("lock:locked")
    assert told == ["no station runs"]
    assert value.stale
    assert value.value is None
    readings.deliver({"lock:locked": Value(True, OK, "")})
    assert readings.flag("lock:locked")
