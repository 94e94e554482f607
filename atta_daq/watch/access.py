"""Who may look: nobody but this computer without a token, and the token itself."""

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

DEFAULT_LISTEN = "127.0.0.1:8819"
SHORTEST_TOKEN = 20


class AccessError(Exception):
    """The page is not started: the text says what to do."""


@dataclass(frozen=True)
class Address:
    """Where the page listens."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Only this computer reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def url(self, port: int = 0) -> str:
        """As a browser takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port or self.port}/"


def parse_listen(text: str) -> Address:
    """HOST:PORT, [IPV6]:PORT; port 0 is any free one. Raises AccessError."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:\s/]+)):([0-9]{1,5})", text)
    if match is None or int(match[3]) > 65535:
        raise AccessError(
            f"--listen: '{text}' is no address; HOST:PORT, such as {DEFAULT_LISTEN}, an IPv6 "
            "address in brackets"
        )
    return Address(match[1] or match[2], int(match[3]))


def read_token(path: Path) -> str:
    """The token in a file; a file that is not there is made, with a new one, for its owner alone.

    Raises AccessError for a short token, or a file that others may read.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise AccessError(f"--token-file: {path}: {error.strerror or error}") from error
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    try:
        others = stat.S_IMODE(path.stat().st_mode) & 0o077
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "not a text of ASCII letters"
        raise AccessError(f"--token-file: {path}: {said}") from error
    if others and os.name == "posix":
        raise AccessError(f"--token-file: {path}: others may read it; chmod 600 {path}")
    if len(token) < SHORTEST_TOKEN:
        raise AccessError(
            f"--token-file: {path}: {len(token)} characters are too few, at least "
            f"{SHORTEST_TOKEN}; remove the file, and a good token is made"
        )
    return token


class Access:
    """Decides about a request. Without a token only names of this computer are answered."""

    def __init__(self, token: str = "") -> None:
        self._digest = _digest(token) if token else b""
        # Whoever steals the cookie does not have the token, and a new token ends all cookies.
        self.cookie = hmac.new(token.encode(), b"atta-daq watch cookie", "sha256").hexdigest()
        # Browsers keep one jar for all ports of a host: the pages of two rigs must not share it.
        self.cookie_name = f"atta-daq-watch-{hashlib.sha256(self.cookie.encode()).hexdigest()[:8]}"

    @property
    def asks(self) -> bool:
        """A token is needed."""
        return bool(self._digest)

    def token_holds(self, token: str) -> bool:
        """In a time that tells nothing of the token."""
        return hmac.compare_digest(_digest(token), self._digest)

    def cookie_holds(self, cookie: str) -> bool:
        """The same for what `cookie` gave to a browser."""
        return hmac.compare_digest(_digest(cookie), _digest(self.cookie))

    def host_allowed(self, host: str) -> bool:
        """Without a token the name by which the page was asked for must be of this computer: any
        of its loopback addresses, or localhost.

        Else a page of somebody else, open in the same browser, could have its name point here
        (DNS rebinding) and read everything.
        """
        if self.asks:
            return True
        name = host.lower()
        bracketed = re.match(r"\[([^\]]*)\]", name)
        return Address(bracketed[1] if bracketed else name.partition(":")[0], 0).loopback


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
