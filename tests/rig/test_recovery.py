"""A run waits for its rig: told why, told when it goes on, and not longer than it lasts."""

import threading

from atta_daq.rig.recovery import Recovery


def done(recovery: Recovery) -> None:
    finished = threading.Event()
    recovery.trigger().add_callback(lambda _status: finished.set())
    assert finished.wait(5.0)


def test_it_tries_until_nothing_is_in_the_way() -> None:
    reasons, told = ["lock: lost", "lock: lost", "camera: warm", ""], []
    left = iter(reasons)
    recovery = Recovery(lambda: next(left), told.append, again_s=0.0)
    done(recovery)
    assert told == ["lock: lost", "camera: warm", ""]
    assert list(left) == []
    recovery.close()


def test_a_rig_that_is_well_says_nothing() -> None:
    told: list[str] = []
    recovery = Recovery(lambda: "", told.append)
    done(recovery)
    assert told == []
    recovery.close()


def test_the_end_of_the_run_ends_the_waiting() -> None:
    told: list[str] = []
    tried = threading.Event()

    def in_the_way() -> str:
        tried.set()
        return "amplifier: interlock open"

    recovery = Recovery(in_the_way, told.append, again_s=60.0)
    status = recovery.trigger()
    assert tried.wait(5.0)
    recovery.close()
    assert status.done
    assert told == ["amplifier: interlock open", ""]


def test_what_it_raises_ends_the_run() -> None:
    def broken() -> str:
        raise ValueError("a bug")

    recovery = Recovery(broken, lambda _reason: None)
    status = recovery.trigger()
    recovery.close()
    assert isinstance(status.exception(5.0), ValueError)
