"""Fits in a process of their own: the latest data win, errors come back, it can be closed."""

import time

import pytest

from atta_daq.station.fit_worker import FitWorker


def slow(value: int, seconds: float) -> int:
    time.sleep(seconds)
    return value


def broken() -> None:
    raise ValueError("no data")


@pytest.fixture
def results():
    return []


@pytest.fixture
def worker(results):
    made = FitWorker(lambda result, error: results.append((result, error)))
    yield made
    made.close()


def test_an_answer_comes_back(worker, results) -> None:
    worker.submit(slow, 7, 0.0)
    assert worker.drain(30.0)
    assert results == [(7, "")]


def test_the_latest_request_replaces_those_that_wait(worker, results) -> None:
    worker.submit(slow, 0, 0.0)
    assert worker.drain(30.0)
    worker.submit(slow, 1, 1.0)
    time.sleep(0.3)
    for value in (2, 3, 4):
        worker.submit(slow, value, 0.0)
    assert worker.drain(30.0)
    assert [result for result, _ in results] == [0, 1, 4]


def test_an_error_is_reported_and_the_worker_lives_on(worker, results) -> None:
    worker.submit(broken)
    assert worker.drain(30.0)
    worker.submit(slow, 5, 0.0)
    assert worker.drain(30.0)
    assert results == [(None, "ValueError: no data"), (5, "")]


def test_it_closes_in_the_middle_of_a_fit(results) -> None:
    worker = FitWorker(lambda result, error: results.append((result, error)))
    worker.submit(slow, 1, 60.0)
    time.sleep(0.5)
    worker.close()
    assert results == [], "nobody waits for it"


def test_a_taker_that_fails_does_not_end_the_feeding() -> None:
    taken: list[int] = []

    def take(result: int, _error: str) -> None:
        taken.append(result)
        if len(taken) == 1:
            raise OSError("disk full")

    worker = FitWorker(take)
    worker.submit(slow, 1, 0.0)
    assert worker.drain(30.0)
    worker.submit(slow, 2, 0.0)
    assert worker.drain(30.0)
    worker.close()
    assert taken == [1, 2]


def test_what_has_time_comes_last_and_is_not_replaced(worker, results) -> None:
    worker.submit(slow, 0, 0.5)
    worker.submit_late(slow, 1, 0.0)
    worker.submit(slow, 2, 0.0)
    worker.submit(slow, 3, 0.0)
    deadline = time.monotonic() + 30.0
    while (1, "") not in results and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [value for value, _ in results] in ([0, 3, 1], [3, 1])
