"""What a client sees of the station's process variables."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from p4p.client.thread import Context

from atta_daq.client.client import (
    CommandRefused,
    Endpoint,
    GivenUp,
    StationClient,
    StationSilent,
    plain,
)
from atta_daq.client.names import COMMANDS, READINGS
from atta_daq.station.server import StationServer

begun, slow = threading.Event(), threading.Event()


def handler(client: str, arguments: object) -> object:
    if arguments.get("text") == "slow":
        begun.set()
        slow.wait(30.0)
    if arguments.get("text") == "bad":
        raise CommandRefused("not today")
    return {"client": client, **arguments}


@pytest.fixture
def server() -> Iterator[StationServer]:
    made = StationServer("rig", {c.name: handler for c in COMMANDS}, time.time)
    yield made
    made.close()


@pytest.fixture
def client(server: StationServer) -> Iterator[StationClient]:
    endpoint = Endpoint("rig", "127.0.0.1", server.tcp_port, server.udp_port, 1, "0")
    with StationClient(endpoint, name="me") as made:
        yield made


def raw(server: StationServer, name: str):
    conf = {
        "EPICS_PVA_ADDR_LIST": "",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_NAME_SERVERS": f"127.0.0.1:{server.tcp_port}",
    }
    with Context("pva", conf=conf, useenv=False, nt=False) as context:
        return context.get(f"rig:{name}", timeout=5.0)


def test_every_name_is_served(server: StationServer, client: StationClient) -> None:
    for reading in READINGS:
        client.get(reading.name)


def test_nothing_is_valid_before_it_was_read(server: StationServer) -> None:
    value = raw(server, "amplifier:current")
    assert value.alarm.severity == 3
    assert value.alarm.message == "not read yet"


def test_a_number_carries_unit_limits_severity_and_time(server: StationServer) -> None:
    server.limits("amplifier:current", 0.0, 2500.0)
    before = time.time()
    server.post("amplifier:current", 1200.0)
    value = raw(server, "amplifier:current")
    assert value.value == 1200.0
    assert value.display.units == "mA"
    assert (value.display.limitLow, value.display.limitHigh) == (0.0, 2500.0)
    assert value.alarm.severity == 0
    assert before - 1.0 < value.timeStamp.secondsPastEpoch < time.time() + 1.0
    server.post("amplifier:current", 2600.0)
    value = raw(server, "amplifier:current")
    assert value.alarm.severity == 2
    assert value.alarm.message == "outside its limits"


def test_readings_of_a_silent_instrument_go_stale_and_keep_their_value(
    server: StationServer, client: StationClient
) -> None:
    server.post("lock:ratio", 0.5)
    server.stale(("lock:",), "lock: no answer")
    value = raw(server, "lock:ratio")
    assert value.value == 0.5
    assert value.alarm.severity == 3
    assert value.alarm.message == "lock: no answer"
    server.post("lock:ratio", 0.5)
    assert raw(server, "lock:ratio").alarm.severity == 0


def test_table_and_image(server: StationServer, client: StationClient) -> None:
    server.post_table([{"index": 4, "kind": "rare", "pumping": True, "counts": None}])
    table = raw(server, "run:table").value
    assert list(table["index"]) == [4]
    assert list(table["counts"]) == [-1]
    server.post_table([])
    empty = client.get("run:table")
    assert {name: list(column) for name, column in empty.items()} == {name: [] for name in table}
    image = np.arange(12, dtype=np.uint16).reshape(3, 4)
    server.post_image(image, 1.75e9)
    assert np.array_equal(client.get("camera:image"), image)
    assert raw(server, "camera:image").dataTimeStamp.secondsPastEpoch == 1_750_000_000


def test_an_array_carries_its_unit_and_is_sent_only_when_it_changes(
    server: StationServer, client: StationClient
) -> None:
    assert len(client.get("lock:errors")) == 0
    seen: list[list[float]] = []
    subscription = client.watch("lock:errors", lambda value: seen.append(list(plain(value))))
    deadline = time.monotonic() + 10.0
    while not seen and time.monotonic() < deadline:
        time.sleep(0.01)
    server.post("lock:errors", np.array([1.0, np.nan, -2.0]))
    while len(seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    server.post("lock:errors", np.array([1.0, np.nan, -2.0]))
    value = raw(server, "lock:errors")
    assert np.array_equal(value.value, [1.0, np.nan, -2.0], equal_nan=True)
    assert value.display.units == "MHz"
    assert value.alarm.severity == 0
    server.stale(("lock:",), "lock: no answer")
    value = raw(server, "lock:errors")
    assert value.alarm.severity == 3
    assert len(value.value) == 3
    server.post("lock:errors", np.array([]))
    while [] not in seen[1:] and time.monotonic() < deadline:
        time.sleep(0.01)
    subscription.close()
    # The first is what it found; the stale one may have been overtaken.
    assert [len(values) for values in seen] in ([0, 3, 3, 0], [0, 3, 0])


def test_not_a_number_again_is_no_news(server: StationServer, client: StationClient) -> None:
    server.post("light:ratio", float("nan"))
    first = raw(server, "light:ratio").timeStamp
    server.post("light:ratio", float("nan"))
    again = raw(server, "light:ratio").timeStamp
    assert (first.secondsPastEpoch, first.nanoseconds) == (
        again.secondsPastEpoch, again.nanoseconds,
    )  # fmt: skip


def test_a_command_answers_or_is_refused_with_its_reason(client: StationClient) -> None:
    assert client.command("note", text="hello") == {"client": "me", "text": "hello"}
    with pytest.raises(CommandRefused, match="not today"):
        client.command("note", text="bad")
    with pytest.raises(CommandRefused, match="unknown argument colour; allowed: text"):
        client.command("note", colour="red")


def test_a_client_that_is_closed_leaves_no_command_waiting(client: StationClient) -> None:
    begun.clear()
    slow.clear()
    said: list[Exception] = []

    def ask() -> None:
        try:
            client.command("note", text="slow")
        except Exception as error:
            said.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(10.0)
    client.close()
    asking.join(10.0)
    slow.set()
    assert not asking.is_alive()
    (error,) = said
    assert isinstance(error, GivenUp)
    assert "whether it was carried out is not known" in str(error)
    with pytest.raises(GivenUp, match="not sent"):
        client.command("note", text="later")


def test_a_command_without_an_answer_ends_in_its_time(client: StationClient) -> None:
    slow.clear()
    with pytest.raises(StationSilent, match=r"no answer for cmd:note within 0\.3 s"):
        client.command("note", timeout_s=0.3, text="slow")
    slow.set()


def test_a_monitor_gets_new_values(server: StationServer, client: StationClient) -> None:
    seen: list[str] = []
    subscription = client.watch("run:state", lambda value: seen.append(plain(value)))
    for state in ("preparing", "running", "idle"):
        server.post("run:state", state)
        time.sleep(0.1)
    deadline = time.monotonic() + 10.0
    while "idle" not in seen and time.monotonic() < deadline:
        time.sleep(0.05)
    subscription.close()
    assert seen[-1] == "idle"


def test_a_station_that_is_not_there() -> None:
    endpoint = Endpoint("rig", "127.0.0.1", 9, 9, 1, "0")
    with StationClient(endpoint) as client, pytest.raises(StationSilent, match="no answer"):
        client.get("run:state", timeout_s=0.3)
