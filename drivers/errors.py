"""The exception tree of the instruments.

    DriverError
    ├── ConnectionLost   the wire is gone: refused, closed, unplugged
    ├── Timeout          no answer in time; the connection was closed and will be opened anew
    ├── ProtocolError    an answer that is not of the protocol
    ├── DeviceFault      the instrument says that it refused or failed
    ├── InterlockOpen    a protection forbids it now
    └── OutOfRange       outside a limit of the rig file; nothing was sent

Every message is for the operator: which instrument, what was refused or lost, what to do next.
"""


class DriverError(Exception):
    """What an instrument refused or lost.

    `instrument` is the name from the rig file, `reason` what happened, `remedy` what to do next.
    """

    tried_twice = False
    """What failed had been given a second time, on a new line (`drivers.twice`)."""

    def __init__(self, instrument: str, reason: str, remedy: str = "") -> None:
        self.instrument = instrument
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{instrument}: {reason}" + (f" — {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (self.instrument, self.reason, self.remedy)


class ConnectionLost(DriverError):
    """The wire is gone: refused, closed or unplugged."""


class Timeout(DriverError):
    """No answer in time. The connection was closed, so a late answer can reach no later query."""


class ProtocolError(DriverError):
    """An answer that is not of the instrument's protocol."""


class DeviceFault(DriverError):
    """The instrument itself reports a refusal or a failure."""


class InterlockOpen(DriverError):
    """A protection of the hardware forbids the request now."""


class OutOfRange(DriverError):
    """A setpoint outside a limit of the rig file. Nothing was sent."""
