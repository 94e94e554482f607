"""A call that p4p sends again after a lost connection is carried out once."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from p4p.client.thread import Context, RemoteError
from p4p.nt import NTURI

from atta_daq.client.client import CommandRefused, Endpoint, StationClient, plain
from atta_daq.client.names import CALL_NUMBER, COMMANDS
from atta_daq.station.once import KEPT, Once, Outcome
from atta_daq.station.server import StationServer


class Served:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.goes_on = threading.Event()
        handlers = {c.name: self.carry_out for c in COMMANDS}
        self.server = StationServer("rig", handlers, time.time)
        port = self.server.tcp_port
        self.endpoint = Endpoint("rig", "127.0.0.1", port, self.server.udp_port, 1, "0")
        conf = {
            "EPICS_PVA_ADDR_LIST": "",
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVA_NAME_SERVERS": f"127.0.0.1:{port}",
        }
        self.context = Context("pva", conf=conf, useenv=False, nt=False)

    def carry_out(self, _client: str, arguments: Any) -> object:
        (text,) = arguments.values()
        self.heard.append(text)
        assert self.goes_on.wait(20.0)
        if text == "bad":
            raise CommandRefused("not today")
        return len(self.heard)

    def send(
        self, text: str, number: str, told: list[str], name: str = "note", argument: str = "text"
    ) -> threading.Thread:
        query = {"client": "me", argument: text, CALL_NUMBER: number}
        pv = f"rig:cmd:{name}"
        uri = NTURI([(key, "s") for key in query]).wrap(pv, kws=query, scheme="pva")

        def ask() -> None:
            try:
                told.append(plain(self.context.rpc(pv, uri, timeout=20.0)))
            except RemoteError as error:
                told.append(str(error))

        thread = threading.Thread(target=ask)
        thread.start()
        return thread


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.goes_on.set()
    made.context.close()
    made.server.close()


@pytest.mark.parametrize(("text", "answer"), [("done", "1"), ("bad", "not today")])
def test_who_sends_a_call_again_gets_the_answer_of_the_first(
    served: Served, text: str, answer: str
) -> None:
    told: list[str] = []
    beside = [served.send(text, "a", told) for _ in range(3)]
    while not served.heard:
        time.sleep(0.01)
    served.goes_on.set()
    for thread in (*beside, served.send(text, "a", told)):
        thread.join(20.0)
    assert told == [answer] * 4
    assert served.heard == [text]


@pytest.mark.parametrize(
    ("name", "argument"), [("note", "text"), ("acknowledge", "alarm"), ("take_control", "force")]
)
def test_an_open_command_that_changes_something_is_carried_out_once(
    served: Served, name: str, argument: str
) -> None:
    served.goes_on.set()
    told: list[str] = []
    for _ in range(2):
        served.send("last", "a", told, name, argument).join(20.0)
    assert told == ["1", "1"]


def test_an_open_command_that_reads_is_carried_out_again(served: Served) -> None:
    """As the reference of the names says: its answer may be too long to be kept."""
    served.goes_on.set()
    told: list[str] = []
    for _ in range(2):
        served.send("last", "a", told, "run_data", "run").join(20.0)
    assert told == ["1", "2"]


def test_every_call_of_a_client_has_a_number_of_its_own(served: Served) -> None:
    served.goes_on.set()
    with StationClient(served.endpoint) as client:
        assert [client.command("note", text="again") for _ in range(2)] == [1, 2]


def test_the_last_calls_are_remembered_and_no_others() -> None:
    once = Once()
    first, new = once.outcome("0")
    assert new
    assert once.outcome("0") == (first, False)
    first.set_result(Outcome("first"))
    for number in range(1, KEPT + 1):
        again, new = once.outcome("0")
        assert not new
        assert again.result(0.0) == Outcome("first")
        once.outcome(str(number))[0].set_result(Outcome("later"))
    assert once.outcome("0")[1], "forgotten"
    assert once.outcome("")[1]
    assert once.outcome("")[1], "no number is no number"


def test_a_call_that_is_under_way_is_not_forgotten() -> None:
    once = Once()
    first, _ = once.outcome("first")
    for number in range(KEPT + 1):
        once.outcome(str(number))[0].set_result(Outcome("later"))
    assert once.outcome("first") == (first, False)


def test_who_was_told_is_let_go() -> None:
    """What is kept for a call that may come again is its outcome, not the call."""

    class Call:
        def tell(self, _told: object) -> None:
            pass

    once, call = Once(), Call()
    outcome, _ = once.outcome("a")
    outcome.add_done_callback(call.tell)
    outcome.set_result(Outcome("done"))
    gone = weakref.ref(call)
    del call, outcome
    gc.collect()
    assert gone() is None
