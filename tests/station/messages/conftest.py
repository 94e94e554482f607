"""Channels to local servers, secrets in files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mail_servers import CERTIFICATE, PASSWORD, USER

from atta_daq.rig.messages import EmailConfig, MessagesConfig, WebhookConfig

SECRET = "the secret of the tests"


@dataclass
class Clock:
    """A clock that a test turns."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def secret(tmp_path: Path) -> Callable[[str, str], Path]:
    """A file with a secret, for its owner alone."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def mail(secret) -> Callable[..., EmailConfig]:
    def make(port: int, **changes: Any) -> EmailConfig:
        usual: dict[str, Any] = dict(
            server="localhost", port=port, ca_file=CERTIFICATE, user=USER,
            password_file=secret("password", PASSWORD), sender="atta-1@lab.example",
            to=("operator@lab.example", "second@lab.example"),
        )  # fmt: skip
        return EmailConfig(**{**usual, **changes})

    return make


@pytest.fixture
def hooked(secret) -> Callable[..., WebhookConfig]:
    def make(port: int, **changes: Any) -> WebhookConfig:
        usual: dict[str, Any] = dict(
            url=f"http://127.0.0.1:{port}/hook?a=1", secret_file=secret("secret", SECRET)
        )
        return WebhookConfig(**{**usual, **changes})

    return make


@pytest.fixture
def rules() -> MessagesConfig:
    return MessagesConfig(gather_s=5.0, interval_s=300.0, quiet_s=600.0)
