"""Command `protection`: who guards the amplifier against what, as it stands now."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

from atta_daq.client.client import CommandRefused
from atta_daq.station.server import Handler
from drivers.errors import DriverError
from drivers.interfaces import Guard, TaperedAmplifier


class Protection:
    """`watchdog()` is the row of the station's own watchdog."""

    def __init__(self, amplifier: TaperedAmplifier, watchdog: Callable[[], Guard]) -> None:
        self._amplifier = amplifier
        self._watchdog = watchdog

    def handlers(self) -> dict[str, Handler]:
        """Handler of its command."""
        return {"protection": self.protection}

    def protection(self, _client: str, _arguments: Mapping[str, str]) -> object:
        try:
            guards = (*self._amplifier.guards(), self._watchdog())
        except DriverError as error:
            raise CommandRefused(str(error)) from error
        return {"guards": [asdict(guard) for guard in guards]}
