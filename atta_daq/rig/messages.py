"""[messages]: who is told by e-mail or webhook, of what, and how often. May be left out."""

import ipaddress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from atta_daq.rig.models import RigModel

ADDRESS = r"^[^@\s<>,;]+@[^@\s<>,;]+$"


class EmailConfig(RigModel):
    """A mail server that takes messages of this rig."""

    server: str = Field(min_length=1, pattern=r"^\S+$", examples=["smtp.example.org"])
    """Its name."""
    port: int = Field(default=587, ge=1, le=65535)
    """587 for STARTTLS, 465 for TLS."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted; 'none' is for a server on this computer."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's (PEM)."""
    user: str = ""
    """Name at the server; empty: it asks for none."""
    password_file: Path | None = None
    """File with the password, readable by its owner alone. The rig file holds no password."""
    sender: str = Field(pattern=ADDRESS, examples=["atta-1@example.org"])
    """Address in 'From'."""
    to: tuple[str, ...] = Field(min_length=1, examples=[["operator@example.org"]])
    """Who gets the messages."""

    @model_validator(mode="after")
    def _whole(self) -> "EmailConfig":
        for address in self.to:
            if "@" not in address or any(c in address for c in " \t\r\n<>,;"):
                raise ValueError(f"to: '{address}' is no address, such as operator@example.org")
        if bool(self.user) != (self.password_file is not None):
            raise ValueError("user and password_file belong together; give both or none")
        if self.security == "none" and not _here(self.server):
            raise ValueError(
                f"security = 'none' would send everything in clear to {self.server}; "
                "'starttls' or 'tls'"
            )
        return self


class WebhookConfig(RigModel):
    """A web address that takes messages of this rig as JSON."""

    url: str = Field(pattern=r"^https?://[^\s/]+\S*$", examples=["https://chat.example.org/hook"])
    """POST goes here; https, or http on this computer."""
    secret_file: Path
    """File with the secret of the signature, readable by its owner alone."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's (PEM)."""

    @model_validator(mode="after")
    def _encrypted(self) -> "WebhookConfig":
        parts = urlsplit(self.url)
        if parts.username or parts.password:
            raise ValueError("url: no name or password in the address; sign with secret_file")
        if parts.scheme == "http" and not _here(parts.hostname or ""):
            raise ValueError(f"url: {self.url} would go in clear; https://, or this computer")
        return self


class MessagesConfig(RigModel):
    """Messages to people who are not at the rig."""

    from_severity: Literal["minor", "major"] = "major"
    """Alarms from this severity on are told."""
    tell_over: bool = True
    """Tell also when such an alarm is over."""
    run_ended: bool = True
    """Tell when a run has ended, and how."""
    night_over: bool = True
    """Tell when nothing has run for `quiet_s` and the queue starts nothing more."""
    quiet_s: float = Field(default=600.0, ge=0)
    """Wall time."""
    gather_s: float = Field(default=5.0, ge=0)
    """Waited after the first news, so that what belongs together comes in one message."""
    interval_s: float = Field(default=300.0, ge=0)
    """At most one message in this time; what comes meanwhile stands in the next one."""
    page: str = ""
    """Address of the web page (`atta-daq watch`), for the end of each message."""
    email: EmailConfig | None = None
    webhook: WebhookConfig | None = None


def _here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
