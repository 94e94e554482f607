"""Letters to a webhook: JSON by POST, signed.

`X-Atta-Signature: t=SECONDS,v1=HEX` with HEX = HMAC-SHA256(secret, SECONDS "." body). Who gets it
computes the same from the body as it came and refuses another value, or a time too long ago.
"""

import hashlib
import hmac
import http.client
import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from atta_daq import __version__
from atta_daq.rig.messages import WebhookConfig
from atta_daq.station.messages.channels import NotSent, read_secret
from atta_daq.station.messages.event import Letter

TIMEOUT_S = 20.0


def signature(secret: str, utc_s: int, body: bytes) -> str:
    """The value of the header."""
    signed = hmac.new(secret.encode(), f"{utc_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={utc_s},v1={signed}"


class WebhookChannel:
    """One connection a letter; redirections are not followed."""

    name = "webhook"

    def __init__(
        self,
        config: WebhookConfig,
        timeout_s: float = TIMEOUT_S,
        utc_now: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._timeout_s = timeout_s
        self._utc_now = utc_now
        # The path may be a secret by itself.
        self.words = f"webhook at {urlsplit(config.url).hostname}"

    def send(self, letter: Letter) -> str:
        """POST it. Anything but an answer 2xx is a refusal."""
        secret = read_secret(self._config.secret_file, "messages.webhook.secret_file")
        body = letter.to_json().encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"atta-daq/{__version__}",
            "X-Atta-Id": letter.id,
            "X-Atta-Signature": signature(secret, int(self._utc_now()), body),
        }
        parts = urlsplit(self._config.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = self._connect()
        try:
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            answer.read(1000)
        except ssl.SSLError as error:
            raise NotSent(f"no encrypted connection: {error.reason or error}") from error
        except http.client.HTTPException as error:
            raise NotSent(f"no answer in HTTP: {type(error).__name__}") from error
        except (TimeoutError, OSError) as error:
            raise NotSent(error.strerror or str(error) or "no answer") from error
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise NotSent(f"answered {answer.status} {answer.reason}".rstrip())
        return ""

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._config.url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port, timeout=self._timeout_s)
        try:
            context = ssl.create_default_context(cafile=self._config.ca_file)
        except OSError as error:
            raise NotSent(f"messages.webhook.ca_file: {self._config.ca_file}: {error}") from error
        return http.client.HTTPSConnection(
            host, parts.port, timeout=self._timeout_s, context=context
        )
