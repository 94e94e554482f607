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


def test_a_pause_lets_a_try_end_and_begins_no_other() -> None:
    told: list[str] = []
    trying, release = threading.Event(), threading.Event()
    begun, tries = [], []

    def in_the_way() -> str:
        tries.append(1)
        trying.set()
        assert release.wait(5.0)
        return "lock: lost" if len(tries) < 3 else ""

    recovery = Recovery(in_the_way, told.append, again_s=0.0)
    recovery.begin = lambda: begun.append(1)
    paused = recovery.trigger()
    assert trying.wait(5.0)
    recovery.pause()
    assert recovery.busy, "the try under way still moves the rig"
    release.set()
    assert paused.exception(5.0) is None
    assert not recovery.busy
    assert len(tries) == 1
    recovery.resume()
    done(recovery)
    assert (len(begun), len(tries)) == (2, 3)
    assert told == ["lock: lost", "", "lock: lost", ""]
    recovery.close()


def test_a_wait_is_under_way_as_soon_as_it_is_triggered() -> None:
    """A pause may come before its thread has begun: what it begins with may move the rig."""
    begin, begun = threading.Event(), threading.Event()

    def held() -> None:
        begun.set()
        assert begin.wait(5.0)

    recovery = Recovery(lambda: "", lambda _reason: None)
    recovery.begin = held
    status = recovery.trigger()
    assert begun.wait(5.0)
    recovery.pause()
    assert recovery.busy
    begin.set()
    assert status.exception(5.0) is None
    assert not recovery.busy
    recovery.close()


def test_a_wait_that_is_triggered_after_the_end_is_over_at_once() -> None:
    recovery = Recovery(lambda: "amplifier: off", lambda _reason: None)
    recovery.give_up()
    done(recovery)
    recovery.close()
