"""[messages] of the rig file: what is allowed, and what would send secrets in clear."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from atta_daq.rig.messages import EmailConfig, MessagesConfig, WebhookConfig

MAIL: dict[str, Any] = dict(server="smtp.example.org", sender="atta-1@lab.example",
                            to=["a@lab.example"])  # fmt: skip
HOOK: dict[str, Any] = dict(url="https://chat.example.org/hook", secret_file="secret")


def test_a_whole_table() -> None:
    login = {"user": "atta-1", "password_file": "/etc/atta/password"}
    config = MessagesConfig.model_validate({"email": {**MAIL, **login}, "webhook": HOOK})
    assert config.email is not None
    assert config.email.security == "starttls"
    assert config.email.password_file == Path("/etc/atta/password")
    assert config.from_severity == "major"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "secret"}, "password"),
        ({"user": "x"}, "user and password_file belong together"),
        ({"password_file": "x"}, "user and password_file belong together"),
        ({"security": "none"}, "in clear to smtp.example.org"),
        ({"to": []}, "to"),
        ({"to": ["a b@lab.example"]}, "is no address"),
        ({"to": ["a@lab.example\r\nBcc: b@lab.example"]}, "is no address"),
        ({"sender": "nobody"}, "sender"),
        ({"port": 0}, "port"),
    ],
)
def test_a_wrong_mail_server(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        EmailConfig.model_validate({**MAIL, **changes})


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://chat.example.org/hook", "in clear"),
        ("https://me:word@chat.example.org/", "no name or password"),
        ("ftp://chat.example.org/", "url"),
        ("chat.example.org", "url"),
        ("https://a/ b", "url"),
    ],
)
def test_a_wrong_webhook(url: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        WebhookConfig.model_validate({**HOOK, "url": url})


@pytest.mark.parametrize("url", ["http://127.0.0.1:80/x", "http://[::1]/x", "http://localhost/"])
def test_this_computer_may_be_told_in_clear(url: str) -> None:
    assert WebhookConfig.model_validate({**HOOK, "url": url}).url == url
