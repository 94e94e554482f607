"""Letters by e-mail: SMTP, encrypted, with a password from a file."""

import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, localtime

from atta_daq.rig.messages import EmailConfig
from atta_daq.station.messages.channels import NotSent, read_secret
from atta_daq.station.messages.event import Letter

TIMEOUT_S = 20.0


class EmailChannel:
    """One connection a letter."""

    name = "email"

    def __init__(self, config: EmailConfig, timeout_s: float = TIMEOUT_S) -> None:
        self._config = config
        self._timeout_s = timeout_s
        self.words = f"e-mail by {config.server}:{config.port}"

    def send(self, letter: Letter) -> str:
        """Hand it to the server. Names the recipients that it refused while others were taken."""
        config = self._config
        password = ""
        if config.password_file is not None:
            password = read_secret(config.password_file, "messages.email.password_file")
        try:
            context = ssl.create_default_context(cafile=config.ca_file)
        except OSError as error:
            raise NotSent(f"messages.email.ca_file: {config.ca_file}: {error}") from error
        try:
            with self._connect(context) as server:
                if config.security == "starttls":
                    server.starttls(context=context)
                if config.user:
                    server.login(config.user, password)
                refused = server.send_message(_message(letter, config))
        except smtplib.SMTPRecipientsRefused as error:
            raise NotSent(
                f"the server takes no recipient: {_recipients(error.recipients)}"
            ) from error
        except smtplib.SMTPAuthenticationError as error:
            # What a server says may repeat what it was sent.
            raise NotSent(f"the server does not take user '{config.user}' with this password "
                          f"({error.smtp_code})") from error  # fmt: skip
        except smtplib.SMTPNotSupportedError as error:
            raise NotSent(f"the server cannot do what is asked for: {error}") from error
        except smtplib.SMTPResponseException as error:
            raise NotSent(
                f"the server refused: {error.smtp_code} {_text(error.smtp_error)}"
            ) from error
        except smtplib.SMTPException as error:
            raise NotSent(f"the server: {error}") from error
        except ssl.SSLError as error:
            raise NotSent(f"no encrypted connection: {error.reason or error}") from error
        except (TimeoutError, OSError) as error:
            raise NotSent(error.strerror if isinstance(error, OSError) and error.strerror
                          else str(error) or "no answer") from error  # fmt: skip
        return f"not taken for {_recipients(refused)}" if refused else ""

    def _connect(self, context: ssl.SSLContext) -> smtplib.SMTP:
        config = self._config
        # The full name of this computer could take a look-up of a minute.
        name = socket.gethostname()
        if config.security == "tls":
            return smtplib.SMTP_SSL(
                config.server, config.port, name, timeout=self._timeout_s, context=context
            )
        return smtplib.SMTP(config.server, config.port, name, timeout=self._timeout_s)


def _message(letter: Letter, config: EmailConfig) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = letter.subject
    message["From"] = config.sender
    message["To"] = ", ".join(config.to)
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{letter.id}@{config.sender.partition('@')[2]}>"
    # No holiday notices come back.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.text)
    return message


def _recipients(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{who}: {code} {_text(said)}" for who, (code, said) in refused.items())


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:200]
