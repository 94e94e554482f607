"""Addresses, tokens, and the names by which the page may be asked for."""

import os
import stat
from pathlib import Path

import pytest

from atta_daq.watch.access import Access, AccessError, Address, parse_listen, read_token

TOKEN = "a-token-of-the-tests-0123456789"


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8819", "127.0.0.1", 8819, True),
        ("127.8.9.1:0", "127.8.9.1", 0, True),
        ("localhost:80", "localhost", 80, True),
        ("[::1]:8819", "::1", 8819, True),
        ("0.0.0.0:8819", "0.0.0.0", 8819, False),
        ("[::]:8819", "::", 8819, False),
        ("192.168.1.10:8819", "192.168.1.10", 8819, False),
        ("lab-pc:8819", "lab-pc", 8819, False),
        ("localhost.evil.example:80", "localhost.evil.example", 80, False),
    ],
)
def test_an_address(text: str, host: str, port: int, loopback: bool) -> None:
    address = parse_listen(text)
    assert (address.host, address.port, address.loopback) == (host, port, loopback)


@pytest.mark.parametrize("text", ["", "8819", ":8819", "host:", "host:x", "host:65536", "::1:80"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(AccessError, match="is no address"):
        parse_listen(text)


def test_the_address_of_a_page() -> None:
    assert Address("::1", 80).url() == "http://[::1]:80/"
    assert Address("127.0.0.1", 0).url(4321) == "http://127.0.0.1:4321/"


def test_a_token_is_made_for_its_owner_alone_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = read_token(path)
    assert len(token) >= 40
    assert read_token(path) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_token(tmp_path / "other") != token


def test_a_token_that_others_may_read_or_guess_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("short\n")
    path.chmod(0o600)
    with pytest.raises(AccessError, match="5 characters are too few, at least 20"):
        read_token(path)
    path.write_text(TOKEN)
    path.chmod(0o640)
    with pytest.raises(AccessError, match="others may read it; chmod 600"):
        read_token(path)
    path.chmod(0o600)
    path.write_bytes(b"\xff" * 30)
    with pytest.raises(AccessError, match="not a text of ASCII letters"):
        read_token(path)
    with pytest.raises(AccessError, match="No such file"):
        read_token(tmp_path / "no" / "folder")
    assert not os.path.exists(tmp_path / "no")


def test_only_the_token_holds() -> None:
    access = Access(TOKEN)
    assert access.asks
    assert access.token_holds(TOKEN)
    for wrong in ("", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), access.cookie, "\ud800"):
        assert not access.token_holds(wrong)
    assert access.cookie_holds(access.cookie)
    assert not access.cookie_holds(TOKEN)
    assert TOKEN not in access.cookie + access.cookie_name
    other = Access(TOKEN + "0")
    assert not other.cookie_holds(access.cookie)
    assert other.cookie_name != access.cookie_name


@pytest.mark.parametrize("listen", ["127.0.0.1:8819", "127.0.0.2:8819", "[::1]:8819",
                                    "localhost:8819"])  # fmt: skip
def test_the_address_that_is_printed_is_answered(listen: str) -> None:
    address = parse_listen(listen)
    assert address.loopback, "no token is needed"
    host = address.url().removeprefix("http://").rstrip("/")
    assert Access().host_allowed(host)


def test_without_a_token_nothing_holds_and_only_this_computer_is_meant() -> None:
    access = Access()
    assert not access.asks
    assert not access.token_holds("")
    for host in ("localhost", "LOCALHOST:8819", "127.0.0.1:8819", "[::1]:8819", "[::1]",
                 "127.0.0.2:8819", "127.8.9.1"):  # fmt: skip
        assert access.host_allowed(host)
    for host in (
        "",
        "[]",
        "192.168.1.10",
        "10.0.0.1:8819",
        "127.0.0.2.evil.example",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "[::2]",
    ):
        assert not access.host_allowed(host)
    assert Access(TOKEN).host_allowed("rig.example.org")
