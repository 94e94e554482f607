"""From a rig file to instruments, whatever their drivers."""

from collections.abc import Callable
from typing import Any

from atta_daq.rig.config import RigConfig
from atta_daq.rig.drivers import KINDS, BuildContext, find
from atta_daq.rig.errors import ConfigError
from atta_daq.rig.instruments import Instruments


class RigAssembly:
    """Builds the instruments of a rig file. Nothing is connected yet."""

    def __init__(self, config: RigConfig) -> None:
        self._permit: Callable[[], str] = lambda: "the station has not looked at the trap yet"
        context = BuildContext(config, gain_forbidden=lambda: self._permit())
        built: dict[str, Any] = {}
        addresses: dict[str, str] = {}
        for kind in KINDS:
            section = config.instrument(kind)
            if section is None:
                continue
            spec = find(kind, section.driver)
            if spec is None:
                raise ConfigError(f"{kind}: there is no driver '{section.driver}'")
            built[kind] = spec.instrument(section, context)
            addresses[kind] = " with ".join(section.addresses().values())
        self.instruments = Instruments(**built, addresses=addresses)

    def allow_gain(self, forbidden: Callable[[], str]) -> None:
        """What the camera asks before any EM gain: returns why not, or ''."""
        self._permit = forbidden
