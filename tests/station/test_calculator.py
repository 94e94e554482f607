"""Questions answered in a process of their own: every one gets its answer, or a reason."""

import os
import threading
import time

import pytest

from atta_daq.archive.errors import ArchiveError
from atta_daq.client.errors import CommandRefused
from atta_daq.station import calculator as module
from atta_daq.station.calculator import Calculator


def where() -> int:
    return os.getpid()


def double(value: int) -> int:
    return 2 * value


def refused() -> None:
    raise ArchiveError("no such run")


def broken() -> None:
    raise KeyError("x")


def die() -> None:
    os._exit(3)


@pytest.fixture
def calculator():
    made = Calculator()
    yield made
    made.close()


def test_nothing_starts_before_the_first_question(calculator: Calculator) -> None:
    assert calculator._process is None
    first = calculator.ask(where)
    assert first != os.getpid()
    assert calculator.ask(where) == first, "one process for all"


def test_what_was_prepared_is_there_before_the_first_question(calculator: Calculator) -> None:
    calculator.prepare(0.01, where)
    deadline_s = time.monotonic() + 30.0
    while calculator._process is None:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    ready = calculator._process.pid
    assert calculator.ask(where) == ready


def test_nothing_is_prepared_for_a_station_that_closes() -> None:
    calculator = Calculator()
    calculator.prepare(0.1, where)
    calculator.close()
    time.sleep(0.2)
    assert calculator._process is None


def test_everybody_gets_an_answer(calculator: Calculator) -> None:
    answers: dict[int, int] = {}

    def ask(value: int) -> None:
        answers[value] = calculator.ask(double, value)

    threads = [threading.Thread(target=ask, args=(value,)) for value in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {value: 2 * value for value in range(8)}


def test_a_refusal_keeps_its_words_and_the_process_lives_on(calculator: Calculator) -> None:
    with pytest.raises(CommandRefused, match=r"^no such run$"):
        calculator.ask(refused)
    with pytest.raises(CommandRefused, match="KeyError"):
        calculator.ask(broken)
    assert calculator.ask(double, 4) == 8


def test_one_that_takes_too_long_or_dies_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_S", 30.0)
    calculator = Calculator(timeout_s=30.0)
    try:
        first = calculator.ask(where)
        with monkeypatch.context() as hasty:
            hasty.setattr(calculator, "_timeout_s", 0.5)
            with pytest.raises(CommandRefused, match="no answer within"):
                calculator.ask(time.sleep, 60.0)
        second = calculator.ask(where)
        assert second != first
        with pytest.raises(CommandRefused, match="died"):
            calculator.ask(die)
        assert calculator.ask(where) not in (first, second)
    finally:
        calculator.close()
    with pytest.raises(CommandRefused, match="closing"):
        calculator.ask(where)
