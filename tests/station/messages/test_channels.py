"""E-mail and webhook against real servers: taken, refused, dead, slow."""

import hashlib
import hmac
import json
import re
import socket
import threading
import time

import pytest
from mail_servers import CERTIFICATE, PASSWORD, Hook, Mailbox, smtp_server, webhook_server

from atta_daq.station.messages.channels import NotSent
from atta_daq.station.messages.email import EmailChannel
from atta_daq.station.messages.event import Event, Letter, compose
from atta_daq.station.messages.webhook import WebhookChannel

SECRET = "the secret of the tests"
EVENT = Event(1.8e9, "alarm", "major", "lock", "the 819-nm lock is open: Δν too large")


def letter(*events: Event) -> Letter:
    return compose("atta-1", events or (EVENT,), "https://rig.example/")


def test_an_e_mail_is_taken_encrypted_with_a_login(mail) -> None:
    box = Mailbox()
    with smtp_server(box) as port:
        assert EmailChannel(mail(port)).send(letter()) == ""
    (message,) = box.messages
    assert box.encrypted == [True]
    assert message["Subject"] == "[atta-1] ALARM: the 819-nm lock is open: Δν too large"
    assert message["From"] == "atta-1@lab.example"
    assert message["To"] == "operator@lab.example, second@lab.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{letter().id}@lab.example>"
    text = message.get_content()
    assert "2027-01-15 08:00:00  ALARM (major), lock: the 819-nm lock is open: Δν too large" in text
    assert "The rig now: https://rig.example/" in text


def test_a_text_cannot_write_headers(mail) -> None:
    box = Mailbox()
    evil = Event(1.8e9, "alarm", "major", "lock", "open\r\nBcc: all@lab.example\r\n\r\nbody")
    with smtp_server(box) as port:
        EmailChannel(mail(port)).send(letter(evil))
    (message,) = box.messages
    assert message["Bcc"] is None
    assert "\n" not in message["Subject"]


def test_one_recipient_is_refused_and_the_other_gets_it(mail) -> None:
    box = Mailbox(refuse={"second@lab.example": "550 no such person"})
    with smtp_server(box) as port:
        said = EmailChannel(mail(port)).send(letter())
    assert said == "not taken for second@lab.example: 550 no such person"
    assert len(box.messages) == 1


def refusal(channel: EmailChannel | WebhookChannel) -> str:
    with pytest.raises(NotSent) as refused:
        channel.send(letter())
    assert PASSWORD not in str(refused.value)
    assert SECRET not in str(refused.value)
    return str(refused.value)


def test_why_a_mail_server_did_not_take_it(mail, secret, tmp_path) -> None:
    box = Mailbox()
    with smtp_server(box) as port:
        config = mail(port, password_file=secret("wrong", "wrong horse"))
        said = refusal(EmailChannel(config))
        assert said == "the server does not take user 'atta-1' with this password (535)"
        # The certificate is not of anybody whom this computer trusts.
        assert "CERTIFICATE_VERIFY_FAILED" in refusal(EmailChannel(mail(port, ca_file=None)))
        box.refuse = dict.fromkeys(mail(port).to, "550 who?")
        assert refusal(EmailChannel(mail(port))) == (
            "the server takes no recipient: operator@lab.example: 550 who?; "
            "second@lab.example: 550 who?"
        )
        box.refuse, box.answer = {}, "452 no room"
        assert refusal(EmailChannel(mail(port))) == "the server refused: 452 no room"
        missing = mail(port, password_file=tmp_path / "nowhere")
        said = refusal(EmailChannel(missing))
        assert said == (
            f"messages.email.password_file: {tmp_path / 'nowhere'}: No such file or directory"
        )
        open_file = mail(port)
        open_file.password_file.chmod(0o644)
        assert "others may read it; chmod 600" in refusal(EmailChannel(open_file))
    assert box.messages == []
    assert "refused" in refusal(EmailChannel(mail(port))).lower(), "nobody listens any more"


def test_a_server_without_encryption_gets_nothing(mail) -> None:
    box = Mailbox()
    with smtp_server(box, starttls=False) as port:
        assert "STARTTLS extension not supported" in refusal(EmailChannel(mail(port)))
        assert box.messages == []
        plain = mail(port, security="none", user="", password_file=None)
        assert EmailChannel(plain).send(letter()) == ""
    assert box.encrypted == [False]


def test_a_server_that_is_encrypted_from_the_start(mail) -> None:
    box = Mailbox()
    with smtp_server(box, tls=True) as port:
        config = mail(port, security="tls", user="", password_file=None)
        assert EmailChannel(config).send(letter()) == ""
        distrusted = mail(port, security="tls", user="", password_file=None, ca_file=None)
        assert "CERTIFICATE_VERIFY_FAILED" in refusal(EmailChannel(distrusted))
    assert len(box.messages) == 1


def test_a_webhook_by_https(hooked) -> None:
    hook = Hook()
    with webhook_server(hook, tls=True) as port:
        url = f"https://localhost:{port}/hook"
        assert WebhookChannel(hooked(port, url=url, ca_file=CERTIFICATE)).send(letter()) == ""
        assert "CERTIFICATE_VERIFY_FAILED" in refusal(WebhookChannel(hooked(port, url=url)))
    assert len(hook.bodies) == 1


@pytest.fixture
def silent_port():
    """Somebody who takes every connection, and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_silent_server_is_given_up(mail, hooked, silent_port: int) -> None:
    for channel in (
        EmailChannel(mail(silent_port), timeout_s=0.2),
        WebhookChannel(hooked(silent_port), timeout_s=0.2),
    ):
        begun = time.monotonic()
        assert "timed out" in refusal(channel)
        assert time.monotonic() - begun < 10.0


def test_a_webhook_gets_signed_json(hooked) -> None:
    hook = Hook()
    with webhook_server(hook) as port:
        assert WebhookChannel(hooked(port), utc_now=lambda: 1.8e9).send(letter()) == ""
    (body,), (headers,) = hook.bodies, hook.headers
    match = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["X-Atta-Signature"])
    assert match is not None
    assert match[1] == "1800000000"
    wanted = hmac.new(SECRET.encode(), b"1800000000." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(match[2], wanted)
    told = json.loads(body)
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Atta-Id"] == told["id"] == letter().id
    assert told["rig"] == "atta-1"
    assert told["events"] == [
        {"utc_s": 1.8e9, "kind": "alarm", "severity": "major", "source": "lock",
         "text": EVENT.text, "title": ""}
    ]  # fmt: skip
    assert EVENT.text in told["text"]


@pytest.mark.parametrize("status", [301, 307, 400, 401, 500, 503])
def test_a_webhook_that_does_not_take_it(hooked, status: int) -> None:
    hook = Hook(status=status)
    with webhook_server(hook) as port:
        assert refusal(WebhookChannel(hooked(port))).startswith(f"answered {status}")
    assert hook.bodies == []


def test_a_webhook_that_speaks_no_http(hooked) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def garble() -> None:
            line, _ = listener.accept()
            with line:
                line.recv(10_000)
                line.sendall(b"\x00\xff nonsense\r\n")

        thread = threading.Thread(target=garble)
        thread.start()
        said = refusal(WebhookChannel(hooked(listener.getsockname()[1])))
        thread.join()
    assert said == "no answer in HTTP: BadStatusLine"
