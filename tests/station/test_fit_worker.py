"""Fits in a process of their own: the latest data win, errors come back, it can be closed."""

import os
import signal
import time
from pathlib import Path

import pytest

from atta_daq.station import fit_worker
from atta_daq.station.fit_worker import FitWorker


def slow(value: int, seconds: float) -> int:
    time.sleep(seconds)
    return value


def held(value: int, folder: Path) -> int:
    """Under way from when there is a file `begun` until there is a file `go`."""
    (folder / "begun").touch()
    deadline = time.monotonic() + 60.0
    while not (folder / "go").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


def wait_until_begun(folder: Path) -> None:
    deadline = time.monotonic() + 30.0
    while not (folder / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def broken() -> None:
    raise ValueError("no data")


def killed(times: int, tally: Path) -> int:
    """Ends its process with kill -9, as a system without memory does, so many times."""
    done = len(tally.read_bytes()) if tally.exists() else 0
    if done < times:
        tally.write_bytes(b"x" * (done + 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return done


@pytest.fixture
def results():
    return []


@pytest.fixture
def deaths():
    return []


@pytest.fixture
def worker(results, deaths):
    made = FitWorker(lambda result, error: results.append((result, error)), deaths.append)
    yield made
    made.close()


def test_an_answer_comes_back(worker, results) -> None:
    worker.submit(slow, 7, 0.0)
    assert worker.drain(30.0)
    assert results == [(7, "")]


def test_the_latest_request_replaces_those_that_wait(worker, results, tmp_path) -> None:
    worker.submit(slow, 0, 0.0)
    assert worker.drain(30.0)
    worker.submit(held, 1, tmp_path)
    wait_until_begun(tmp_path)
    for value in (2, 3, 4):
        worker.submit(slow, value, 0.0)
    (tmp_path / "go").touch()
    assert worker.drain(30.0)
    assert [result for result, _ in results] == [0, 1, 4]


def test_an_error_is_reported_and_the_worker_lives_on(worker, results) -> None:
    worker.submit(broken)
    assert worker.drain(30.0)
    worker.submit(slow, 5, 0.0)
    assert worker.drain(30.0)
    assert results == [(None, "ValueError: no data"), (5, "")]


def test_it_closes_in_the_middle_of_a_fit(results, tmp_path) -> None:
    worker = FitWorker(lambda result, error: results.append((result, error)))
    worker.submit(held, 1, tmp_path)
    wait_until_begun(tmp_path)
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


def test_what_has_time_comes_last_and_is_not_replaced(worker, results, tmp_path) -> None:
    worker.submit(held, 0, tmp_path)
    wait_until_begun(tmp_path)
    worker.submit_late(slow, 1, 0.0)
    worker.submit(slow, 2, 0.0)
    worker.submit(slow, 3, 0.0)
    (tmp_path / "go").touch()
    deadline = time.monotonic() + 30.0
    while (1, "") not in results and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [value for value, _ in results] == [0, 3, 1]


def test_a_fit_whose_process_is_killed_is_asked_once_more(
    worker, results, deaths, tmp_path
) -> None:
    worker.submit(killed, 1, tmp_path / "tally")
    assert worker.drain(60.0)
    assert results == [(1, "")]
    (said,) = deaths
    assert "exit code -9" in said
    assert said.endswith("the fit is tried once more")


def test_a_fit_that_kills_two_processes_is_given_up_and_the_next_one_is_made(
    worker, results, deaths, tmp_path
) -> None:
    worker.submit(killed, 9, tmp_path / "tally")
    assert worker.drain(60.0)
    assert results == [(None, "it ended two fit workers")]
    assert [said.rpartition("; ")[2] for said in deaths] == [
        "the fit is tried once more",
        "the fit is given up",
    ]
    worker.submit(slow, 5, 0.0)
    assert worker.drain(60.0)
    assert results[1:] == [(5, "")]
    assert len((tmp_path / "tally").read_bytes()) == 2, "nobody asked a third time"


def test_a_fit_that_never_ends_is_given_up_and_the_next_one_is_made(
    worker, results, deaths, tmp_path
) -> None:
    """It held up every fit and every report for the rest of the station's life."""
    worker.submit(slow, 0, 0.0)
    assert worker.drain(30.0)
    worker.longest_s = 0.5
    worker.submit(held, 1, tmp_path)
    assert worker.drain(20.0)
    worker.longest_s = 60.0
    assert results[1:] == [(None, "it took more than 0 min")]
    said = "the fit worker took more than 0 min for a fit and was ended; the fit is given up"
    assert deaths == [said]
    worker.submit(slow, 5, 0.0)
    assert worker.drain(30.0)
    assert results[2:] == [(5, "")]


def test_a_process_that_was_killed_while_it_waited_costs_no_fit(worker, results, deaths) -> None:
    worker.submit(os.getpid)
    assert worker.drain(30.0)
    os.kill(results[0][0], signal.SIGKILL)
    # It is gone, and left to its parent to be asked for.
    os.waitid(os.P_PID, results[0][0], os.WEXITED | os.WNOWAIT)
    worker.submit(slow, 5, 0.0)
    assert worker.drain(60.0)
    assert results[1:] == [(5, "")]
    (said,) = deaths
    assert said.endswith("it is started anew")


def test_nothing_replaces_the_last_fit_of_a_run(worker, results, tmp_path) -> None:
    """A fit that hung kept it until the next run was under way, whose first fit put it out."""
    worker.submit(slow, 0, 0.0)
    assert worker.drain(30.0)
    worker.submit(held, 1, tmp_path)
    wait_until_begun(tmp_path)
    worker.submit(slow, 2, 0.0)
    worker.submit_last(slow, 3, 0.0)
    assert not worker.drain(0.0)
    worker.submit(slow, 4, 0.0)
    worker.submit_last(slow, 5, 0.0)
    worker.submit(slow, 6, 0.0)
    (tmp_path / "go").touch()
    assert worker.drain(30.0)
    assert [result for result, _ in results] == [0, 1, 3, 5, 6]


def test_it_closes_while_its_process_dies_again_and_again(tmp_path) -> None:
    deaths: list[str] = []
    worker = FitWorker(lambda *_: None, deaths.append)
    for _ in range(20):
        worker.submit_late(killed, 1000, tmp_path / "tally")
    deadline = time.monotonic() + 60.0
    while not deaths and time.monotonic() < deadline:
        time.sleep(0.01)
    worker.close()
    assert deaths


def test_a_fit_for_which_no_process_can_be_started_is_an_error(
    worker, results, deaths, monkeypatch
) -> None:
    """Whoever waits for it must hear of it; the next one tries again."""

    def refused(*_job: object):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    worker.submit(os.getpid)
    assert worker.drain(30.0)
    with monkeypatch.context() as patched:
        patched.setattr(fit_worker, "spawned", refused)
        os.kill(results[0][0], signal.SIGKILL)
        worker._process.join(30.0)
        for _ in range(2):
            worker.submit(slow, 1, 0.0)
            assert worker.drain(30.0)
    told = "no fit worker can be started: [Errno 11] Resource temporarily unavailable"
    assert results[1:] == [(None, told)] * 2
    assert [said.partition("; no ")[2] for said in deaths] == [told.removeprefix("no ")] * 2
    worker.submit(slow, 5, 0.0)
    assert worker.drain(30.0)
    assert results[3:] == [(5, "")]
