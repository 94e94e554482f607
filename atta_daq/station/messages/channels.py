"""What can carry a letter, and why it did not."""

import os
import stat
from pathlib import Path
from typing import Protocol

from atta_daq.station.messages.event import Letter


class NotSent(Exception):
    """The letter was not taken; the text says why, for the operator. It is tried again."""


class Channel(Protocol):
    """One way to people: an e-mail server, a webhook."""

    name: str
    """'email', 'webhook'."""
    words: str
    """For the operator: 'e-mail by smtp.example.org'."""

    def send(self, letter: Letter) -> str:
        """Deliver it; returns what the operator should know all the same ('' for nothing).

        Raises NotSent.
        """
        ...


def read_secret(path: Path, key: str) -> str:
    """A password or secret, read anew for each letter. Raises NotSent; never tells the secret."""
    try:
        others = stat.S_IMODE(path.stat().st_mode) & 0o077
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NotSent(f"{key}: {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise NotSent(f"{key}: {path}: not a text") from error
    if others and os.name == "posix":
        raise NotSent(f"{key}: {path}: others may read it; chmod 600 {path}")
    if not text:
        raise NotSent(f"{key}: {path}: it is empty")
    return text
