"""Real servers on this computer that take messages: SMTP with STARTTLS and login, and a webhook."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from free_ports import free_port

CERTIFICATE = Path(__file__).parent / "data" / "localhost.pem"
USER, PASSWORD = "atta-1", "correct horse"


@dataclass
class Mailbox:
    """What the mail server took."""

    messages: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    """Recipient to the answer."""
    answer: str = "250 taken"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("250"):
            made: Any = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
            self.messages.append(made)
            self.encrypted.append(session.ssl is not None)
        return self.answer


def _right(*arguments: Any) -> AuthResult:
    data = arguments[-1]
    assert isinstance(data, LoginPassword)
    right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=right)


@contextmanager
def smtp_server(
    mailbox: Mailbox, port: int = 0, *, starttls: bool = True, tls: bool = False
) -> Iterator[int]:
    """Serves on 127.0.0.1; gives its port. With STARTTLS it asks for it and for a login; with TLS
    it speaks nothing else."""
    options: dict[str, Any] = {}
    if tls:
        options = {"ssl_context": _tls()}
    elif starttls:
        options = {"tls_context": _tls(), "require_starttls": True, "auth_required": True,
                   "authenticator": _right}  # fmt: skip
    controller = Controller(mailbox, hostname="127.0.0.1", port=port or free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@dataclass
class Hook:
    """What the webhook got."""

    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 204
    port: int = 0

    @property
    def letters(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


@contextmanager
def webhook_server(hook: Hook, port: int = 0, *, tls: bool = False) -> Iterator[int]:
    """Serves POST on 127.0.0.1; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if 200 <= hook.status < 300:
                hook.bodies.append(body)
                hook.headers.append(dict(self.headers))
            self.send_response(hook.status)
            if hook.status in (301, 302, 307):
                self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the tests' screen."""

    server = HTTPServer(("127.0.0.1", port), Handler)
    if tls:
        server.socket = _tls().wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
