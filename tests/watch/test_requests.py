"""What the page answers, byte by byte: tokens, garbage, limits."""

import logging
import socket
import time

import pytest
from fed_page import FedPage, read_all, served, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atta_daq.watch.patient import PatientProtocol
from atta_daq.watch.web import SECURITY

TOKEN = "a-token-of-the-tests-0123456789"
HOST = "Host: localhost\r\n"


def get(page: FedPage, target: str, headers: str = HOST, method: str = "GET") -> tuple[int, str]:
    answer = page.ask(f"{method} {target} HTTP/1.1\r\n{headers}\r\n".encode("latin-1"))
    return status(answer), answer.decode("utf-8", "replace")


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    return int(answer[9:12])


def body(answer: str) -> str:
    return answer.partition("\r\n\r\n")[2]


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/plot.js", "/icon.svg"])
def test_every_file_of_the_page_is_served_with_the_security_headers(page: FedPage, path) -> None:
    code, answer = get(page, path)
    assert code == 200
    assert len(body(answer)) > 200
    head = answer.partition("\r\n\r\n")[0].lower()
    for name, value in SECURITY.items():
        assert f"{name}: {value}".lower() in head
    assert "server:" not in head
    # Nothing is loaded from elsewhere: laboratories have no internet.
    links = body(answer).replace("http://www.w3.org/", "")
    assert "http://" not in links
    assert "https://" not in links
    code, answer = get(page, path, method="HEAD")
    assert (code, body(answer)) == (200, "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "RPC"])
def test_nothing_but_looking_is_allowed(page: FedPage, method: str) -> None:
    for path in ("/", "/events", "/cmd:stop", "/nothing"):
        code, answer = get(page, path, method=method)
        assert code == 405, answer
        assert "allow: GET, HEAD" in answer


def test_events_have_the_newest_of_every_part(page: FedPage) -> None:
    page.source.feed(run__state="running", run__id="r1", run__segment=3, run__segments=9)
    until(lambda: "running" in first_events(page, 3000))
    code, answer = get(page, "/events", method="HEAD")
    assert code == 200
    assert "text/event-stream" in answer
    assert body(answer) == ""


def first_events(page: FedPage, size: int) -> str:
    with page.connect() as line:
        line.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while len(answer) < size and b"event: beat" not in answer:
            answer += line.recv(65536)
    return answer.decode()


# --- token ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/events", "/page.js", "/page.css", "/nothing", "/?token="])
def test_without_the_token_nothing_is_told(guarded: FedPage, path: str) -> None:
    for headers in (
        HOST,
        HOST + "Authorization: Bearer wrong\r\n",
        HOST + f"Authorization: Basic {TOKEN}\r\n",
        HOST + "Authorization: Bearer\r\n",
        HOST + f"Cookie: atta-daq-watch={TOKEN}\r\n",
        HOST + "Cookie: ;;;==\xff\r\n",
    ):
        code, answer = get(guarded, path, headers)
        assert code == 401, answer
        assert "A token is needed" in answer
        assert "test-rig" not in answer


def test_a_token_elsewhere_than_at_the_front_page_is_none(guarded: FedPage) -> None:
    assert get(guarded, f"/events?token={TOKEN}")[0] == 401
    assert get(guarded, f"/page.js?token={TOKEN}")[0] == 401


def test_the_link_with_the_token_gives_a_cookie_and_leaves_the_address(guarded: FedPage) -> None:
    code, answer = get(guarded, f"/?token={TOKEN}", "Host: rig.example.org\r\n")
    assert code == 303
    assert "location: /\r\n" in answer.lower()
    assert TOKEN not in answer
    line = next(line for line in answer.splitlines() if line.lower().startswith("set-cookie"))
    assert "HttpOnly" in line
    assert "SameSite=lax" in line
    cookie = line.partition(": ")[2].partition(";")[0]
    code, answer = get(guarded, "/", f"{HOST}Cookie: other=1; {cookie}\r\n")
    assert code == 200
    assert TOKEN not in answer
    assert get(guarded, "/", f"{HOST}Cookie: {cookie}0\r\n")[0] == 401


def test_a_script_sends_the_token_in_a_header(guarded: FedPage) -> None:
    assert get(guarded, "/page.js", f"{HOST}Authorization: Bearer {TOKEN}\r\n")[0] == 200
    assert get(guarded, "/page.js", f"{HOST}authorization: bearer {TOKEN}\r\n")[0] == 200


def test_the_token_never_reaches_a_log(guarded: FedPage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        get(guarded, f"/?token={TOKEN}")
        get(guarded, f"/?token={TOKEN}x")
        get(guarded, f"/nothing?token={TOKEN}", f"{HOST}Authorization: Bearer {TOKEN}\r\n")
        guarded.ask(f"GET /?token={TOKEN} HTTP/1.1\r\nHost: a\r\nBad header\r\n\r\n".encode())
        guarded.ask(f"{TOKEN}\r\n\r\n".encode())
    assert TOKEN not in caplog.text


# --- garbage --------------------------------------------------------------------------------

PATHS = [
    "/nothing", "//", "/../../etc/passwd", "/..%2f..%2fetc/passwd", "/page.js/", "/PAGE.JS",
    "/%00", "/%ff%fe", "/%", "/%zz", "/events/../", "/page/page.js", "/static/page.js",
    "/.env", "/index.html.j2", "/;", "http://evil.example/", "*", "/cmd:stop", "/test-rig:cmd:stop",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_another_path_is_not_found(page: FedPage, path: str) -> None:
    code, answer = get(page, path)
    assert code == 404, answer
    assert "Traceback" not in answer


@pytest.mark.parametrize("query", ["?", "?x", "?token=", "?%ff=%zz", "?token=%00", "?a&b&&=&"])
def test_a_query_means_nothing(page: FedPage, query: str) -> None:
    assert get(page, f"/{query}")[0] == 200


GARBAGE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\r\n\r\n",
    "spaces in the path": b"GET / / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "bytes in the path": b"GET /\xff\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
    "foreign host": b"GET / HTTP/1.1\r\nHost: evil.example:8819\r\n\r\n",
    "host of bytes": b"GET / HTTP/1.1\r\nHost: \xff\xfe[::\r\n\r\n",
    "header without colon": b"GET / HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n",
    "control bytes": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \x00\x01\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "other version": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "lengths": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "negative length": b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    "long path": b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "long query": b"GET /?" + b"a=" * 2500 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 9000 + b"\r\n",
    "header for ever": b"GET / HTTP/1.1\r\nX: " + b"a" * 90000,
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_answered_with_a_refusal(
    page: FedPage, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = page.ask(GARBAGE[name])
    # More than the page reads may be cut before the answer is taken.
    if answer or len(GARBAGE[name]) < 20000:
        assert 400 <= status(answer) < 500, answer[:300]
    assert b"Traceback" not in answer
    assert "Traceback" not in caplog.text
    assert get(page, "/")[0] == 200


def test_an_upgrade_is_not_taken(page: FedPage) -> None:
    upgrade = HOST + (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    assert get(page, "/", upgrade)[0] == 200
    assert get(page, "/nothing", upgrade)[0] == 404


# --- limits ---------------------------------------------------------------------------------


class Hasty(PatientProtocol):
    """Limits that a test can wait for."""

    request_s = 0.3
    stuck_s = 0.4


class Few(PatientProtocol):
    most = 6


def test_a_request_that_never_ends_is_cut() -> None:
    with served(protocol=Hasty) as page, page.connect() as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        begun = time.monotonic()
        assert read_all(line) == b""
        assert time.monotonic() - begun < 10.0


def test_one_connection_too_many_is_cut_and_others_stay() -> None:
    with served(protocol=Few) as page:
        lines = [page.connect() for _ in range(Few.most)]
        for line in lines:
            line.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(15) == b"HTTP/1.1 200 OK"
        assert page.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == b""
        for line in lines:
            assert line.recv(100)
            line.close()
        until(lambda: page.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") != b"")


def test_one_viewer_too_many_is_told_to_come_back() -> None:
    with served(most=2) as page:
        lines = [page.connect() for _ in range(2)]
        for line in lines:
            line.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(15) == b"HTTP/1.1 200 OK"
        code, answer = get(page, "/events")
        assert code == 503
        assert "retry-after: 30" in answer
        assert get(page, "/")[0] == 200
        for line in lines:
            line.close()
        until(lambda: not page.viewers.full)


def test_a_page_that_ends_sends_its_viewers_away(caplog: pytest.LogCaptureFixture) -> None:
    with served() as page:
        line = page.connect()
        line.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert line.recv(15) == b"HTTP/1.1 200 OK"
    assert read_all(line).endswith(b"0\r\n\r\n"), "the stream ends as HTTP says"
    line.close()
    assert caplog.text == ""


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    method=st.sampled_from([b"GET", b"HEAD", b"POST", b"get", b""]),
    target=st.binary(min_size=0, max_size=60),
    headers=st.lists(st.binary(max_size=60), max_size=5),
)
def test_whatever_comes_is_answered_or_refused(
    page: FedPage, method: bytes, target: bytes, headers: list[bytes]
) -> None:
    """No bytes bring an answer of 5xx, or none at all where HTTP asks for one."""
    request = b"\r\n".join([method + b" /" + target + b" HTTP/1.1", *headers, b"", b""])
    with page.connect() as line:
        line.sendall(request)
        # Half a request, that waits for its rest, is one of the things that bytes can be.
        line.shutdown(socket.SHUT_WR)
        answer = line.recv(4096)
    if answer:
        assert 200 <= status(answer) < 500, (request, answer[:300])
