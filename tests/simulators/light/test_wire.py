import asyncio
import gc
import logging

import numpy as np
import pytest

from simulators.faults import WireFault
from simulators.wire import LineSession, WireServer


class Echo(LineSession):
    """Answers each line in capitals; 'bad' fails."""

    def line(self, line: bytes) -> bytes:
        if line == b"bad":
            raise RuntimeError("a fault of the simulator")
        return line.upper() + b"\n"


@pytest.fixture
def server(serving) -> WireServer:
    async def start() -> WireServer:
        server = WireServer("echo", Echo, np.random.default_rng(1))
        await server.start()
        return server

    return serving.start(start())


def test_it_listens_on_the_loopback_interface_alone(serving, server) -> None:
    serving.client(server)
    sockets = server._server.sockets
    assert [s.getsockname()[0] for s in sockets] == ["127.0.0.1"]
    assert server.address == f"127.0.0.1:{server.port}"


def test_it_can_stop_while_a_client_is_being_accepted(serving) -> None:
    async def start() -> WireServer:
        server = WireServer("echo", Echo, np.random.default_rng(1))
        await server.start()
        return server

    for _ in range(50):
        server = serving.run(start())
        clients = [serving.client(server) for _ in range(3)]
        serving.run(server.stop())
        for client in clients:
            client.socket.close()
    gc.collect()  # a socket left open would be reported here


def test_lines_may_come_in_any_pieces(serving, server) -> None:
    client = serving.client(server)
    client.send(b"a")
    client.send(b"b\r\nc\nd")
    assert client.until(b"\n") == b"AB\n"
    assert client.until(b"\n") == b"C\n"
    assert client.ask(b"\n", b"\n") == b"D\n"


def test_a_line_without_end_is_forgotten(serving, server) -> None:
    client = serving.client(server)
    client.send(b"x" * 200_000)
    # The tail that is still kept belongs to the same endless line.
    client.ask(b"\n", b"\n")
    assert client.ask(b"a\n", b"\n") == b"A\n"


def test_a_lost_reply_is_lost_once(serving, server) -> None:
    client = serving.client(server)
    serving.call(server.set_fault, WireFault("no_reply", left=1))
    client.send(b"a\n")
    assert client.silent_for(0.1)
    assert client.ask(b"b\n", b"\n") == b"B\n"


def test_half_of_a_reply(serving, server) -> None:
    client = serving.client(server)
    serving.call(server.set_fault, WireFault("half", left=1))
    client.send(b"abcdefg\n")
    assert client.ask(b"x\n", b"\n") == b"ABCDX\n"


def test_a_garbled_reply_keeps_its_end_and_nothing_else_for_sure(serving, server) -> None:
    client = serving.client(server)
    serving.call(server.set_fault, WireFault("garbled"))
    for _ in range(50):
        reply = client.ask(b"abc def\n", b"\n")
        assert len(reply) == 8
        assert reply != b"ABC DEF\n"
        assert reply[3:4] == b" "
    serving.call(server.set_fault, None)
    assert client.ask(b"abc\n", b"\n") == b"ABC\n"


def test_late_replies_come_in_order_and_reach_the_next_question(serving, server) -> None:
    client = serving.client(server)
    serving.call(server.set_fault, WireFault("late", left=1, delay_s=0.2))
    client.send(b"first\n")
    assert client.silent_for(0.05)
    assert client.ask(b"second\n", b"\n") == b"FIRST\n"
    assert client.until(b"\n") == b"SECOND\n"


def test_a_cut_connection_is_gone_and_a_new_one_works(serving, server) -> None:
    client = serving.client(server)
    client.ask(b"a\n", b"\n")
    serving.call(server.set_fault, WireFault("dropped"))
    with pytest.raises((EOFError, ConnectionError)):
        client.until(b"\n")
    assert server.fault is None
    assert serving.client(server).ask(b"a\n", b"\n") == b"A\n"


def test_refused_connections_until_it_is_cleared(serving, server) -> None:
    serving.call(server.set_fault, WireFault("refused"))
    client = serving.client(server)
    with pytest.raises((EOFError, ConnectionError)):
        client.ask(b"a\n", b"\n")
    serving.call(server.set_fault, None)
    assert serving.client(server).ask(b"a\n", b"\n") == b"A\n"


def test_a_frozen_box_acts_on_what_it_got_once_it_thaws(serving, server) -> None:
    client = serving.client(server)
    serving.call(server.set_fault, WireFault("frozen"))
    client.send(b"a\nb\n")
    assert client.silent_for(0.1)
    serving.call(server.set_fault, None)
    assert client.until(b"\n") == b"A\n"
    assert client.until(b"\n") == b"B\n"


def test_a_fault_of_the_simulator_ends_one_connection(serving, server, caplog) -> None:
    client, other = serving.client(server), serving.client(server)
    other.ask(b"a\n", b"\n")
    with caplog.at_level(logging.CRITICAL + 1, logger="simulators.wire"):
        client.send(b"bad\n")
        with pytest.raises((EOFError, ConnectionError)):
            client.until(b"\n")
    assert other.ask(b"a\n", b"\n") == b"A\n"


def test_a_stopped_server_is_gone() -> None:
    async def life() -> None:
        server = WireServer("echo", Echo, np.random.default_rng(1))
        await server.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        await server.stop()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        with pytest.raises(RuntimeError, match="not started"):
            _ = server.port

    asyncio.run(life())


@pytest.mark.parametrize(
    "arguments",
    [{"kind": "sulking"}, {"kind": "late", "delay_s": -1.0}, {"kind": "half", "left": 0}],
)
def test_impossible_faults_are_refused(arguments) -> None:
    with pytest.raises(ValueError, match=r"sulking|delay_s|count"):
        WireFault(**arguments)
