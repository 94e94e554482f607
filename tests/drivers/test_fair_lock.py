"""A wire goes to who has waited longest, whatever asks again and again meanwhile."""

import threading
import time
from collections.abc import Callable

from drivers.fair_lock import FairLock


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


def test_an_order_waits_for_one_question_of_a_poll_that_asks_on_and_on() -> None:
    lock, over, asking = FairLock(), threading.Event(), threading.Event()
    questions = [0]

    def poll() -> None:
        while not over.is_set():
            with lock:
                questions[0] += 1
                asking.set()
                # The answer takes until the order waits for the wire.
                wait_for(lambda: over.is_set() or bool(lock._waiting))

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    for _ in range(10):
        assert asking.wait(10.0)
        before = questions[0]
        with lock:
            assert questions[0] == before
            asking.clear()
    over.set()
    thread.join()


def test_those_who_wait_come_in_their_order() -> None:
    lock, came = FairLock(), list[int]()

    def ask(number: int) -> None:
        with lock:
            came.append(number)

    with lock:
        threads = [threading.Thread(target=ask, args=(n,), daemon=True) for n in range(5)]
        for thread in threads:
            waiting = len(lock._waiting)
            thread.start()
            wait_for(lambda waiting=waiting: len(lock._waiting) > waiting)
        assert came == []
    for thread in threads:
        thread.join()
    assert came == [0, 1, 2, 3, 4]


def test_its_owner_may_enter_again_and_an_error_releases_it() -> None:
    lock, came = FairLock(), list[str]()
    thread = threading.Thread(
        target=lambda: [came.append("other") for _ in [0] if lock.__enter__()]
    )
    try:
        with lock:
            with lock:
                thread.start()
            wait_for(lambda: bool(lock._waiting))
            assert came == [], "released by the outer end only"
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    thread.join(2.0)
    assert came == ["other"]
