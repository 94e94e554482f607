"""The byte stream: lines, errors, recovery."""

import os
import socket
import sys

import pytest

from drivers.errors import ConnectionLost, ProtocolError, Timeout
from drivers.transport import SerialStream


@pytest.fixture
def stream_of():
    opened = []

    def make(url, timeout_s=5.0):
        opened.append(SerialStream("box", url, timeout_s=timeout_s))
        return opened[-1]

    yield make
    for stream in opened:
        stream.close()


def test_lines_come_without_their_end(scripted, stream_of):
    server = scripted([("expect", b"a?"), ("send", b"1\r\n2\nrest"), ("expect", b"b")])
    stream = stream_of(server.url)
    stream.open()
    stream.write(b"a?")
    assert stream.read_line() == b"1"
    assert stream.read_line() == b"2"
    assert stream.discard(0.02) == b"rest"
    stream.write(b"b")


def test_discard_zero_takes_what_is_there_and_does_not_wait(scripted, stream_of):
    server = scripted([("expect", b"a?"), ("send", b"one\ntwo\n")])
    stream = stream_of(server.url)
    stream.open()
    stream.write(b"a?")
    assert stream.read_line() == b"one"
    assert stream.discard(0.0) == b"two\n"
    assert stream.discard(0.0) == b""


def test_half_a_line_times_out_and_closes(scripted, stream_of):
    server = scripted([("expect", b"a?"), ("send", b"12.3")])
    stream = stream_of(server.url, timeout_s=2.0)
    stream.open()
    stream.write(b"a?")
    with pytest.raises(Timeout, match=r"box: no answer within 2\.0 s \(only b'12.3'\)"):
        stream.read_line()
    assert not stream.is_open


def test_a_late_line_does_not_reach_the_next_connection(scripted, stream_of):
    server = scripted(
        [("expect", b"a?"), ("wait", 0.6), ("send", b"late\n")],
        [("expect", b"b?"), ("wait", 0.2), ("send", b"right\n")],
    )
    stream = stream_of(server.url, timeout_s=0.5)
    stream.open()
    stream.write(b"a?")
    with pytest.raises(Timeout):
        stream.read_line()
    stream.open()
    stream.write(b"b?")
    assert stream.read_line() == b"right"


def test_closed_by_the_other_end(scripted, stream_of):
    server = scripted([("expect", b"a?"), ("close", b"")])
    stream = stream_of(server.url)
    stream.open()
    stream.write(b"a?")
    with pytest.raises(ConnectionLost, match="lost socket://"):
        stream.read_line()
    assert not stream.is_open


def test_refused(stream_of, dead_port):
    with pytest.raises(ConnectionLost, match="check power, cable and the address"):
        stream_of(f"socket://127.0.0.1:{dead_port}").open()


@pytest.mark.parametrize("url", ["/dev/does-not-exist", "socket://", "nonsense://x", ""])
def test_bad_address(stream_of, url):
    with pytest.raises(ConnectionLost, match="cannot open"):
        stream_of(url).open()


def test_not_open(stream_of):
    with pytest.raises(ConnectionLost, match="is not open"):
        stream_of("socket://127.0.0.1:1").write(b"x")


def test_a_flood_without_line_end_is_no_protocol(scripted, stream_of):
    server = scripted([("expect", b"?"), ("send", b"x" * 10_000)])
    stream = stream_of(server.url, timeout_s=20.0)
    stream.open()
    stream.write(b"?")
    with pytest.raises(ProtocolError, match="without a line end"):
        stream.read_line()


def test_discard_gives_up_on_a_stream_that_never_ends(stream_of):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stream = stream_of(f"socket://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.02)
        stream.open()
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"x" * 300_000)
            with pytest.raises(ProtocolError, match="does not stop sending"):
                stream.discard(0.01)


def test_close_is_quiet_after_the_peer_is_gone(scripted, stream_of):
    server = scripted([("close", b"")])
    stream = stream_of(server.url)
    stream.open()
    with pytest.raises(ConnectionLost):
        stream.read_line()
    stream.close()
    stream.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no pty; Windows opens no port twice by itself")
def test_a_serial_port_has_one_owner(stream_of):
    master, slave = os.openpty()
    url = os.ttyname(slave)
    os.close(slave)
    first, second = stream_of(url), stream_of(url)
    first.open()
    with pytest.raises(ConnectionLost, match=f"box: {url} is held by another program — end it"):
        second.open()
    first.close()
    second.open()
    second.close()
    os.close(master)
