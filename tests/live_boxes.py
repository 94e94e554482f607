"""Simulated boxes in this process, on a loop of their own, and the drivers that belong to them."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import TABLES, rig_file
from atta_daq.rig.config import rig_config
from atta_daq.rig.drivers import BuildContext, DriverSpec
from simulators.boxes import BOXES
from simulators.clock import RigClock
from simulators.truth import Truth
from simulators.wire import WireServer
from simulators.world.world import World


def instrument(spec: DriverSpec, ports: dict[str, Any]) -> Any:
    """The instrument of `spec` at the addresses in `ports`. Raises ValidationError for an address
    that it does not take."""
    table = TABLES[spec.kind, spec.driver](ports)
    section = spec.section.model_validate({"driver": spec.driver, **table})
    config = rig_config(rig_file(PORTS, "co"), "rig.toml")
    return spec.instrument(section, BuildContext(config, gain_forbidden=lambda: ""))


class _Everywhere(dict[str, Any]):
    """Ports of which every name leads to one place."""

    def __init__(self, ports: dict[str, Any], address: str) -> None:
        super().__init__(ports)
        self._address = address

    def __missing__(self, name: str) -> str:
        return self._address


def instrument_anywhere(spec: DriverSpec, port: int) -> Any:
    """The instrument of `spec` with every address of it on `port`, in the form that it takes."""
    at = f"127.0.0.1:{port}"
    problems = []
    for form in (f"TCPIP0::127.0.0.1::{port}::SOCKET", f"socket://{at}", at):
        try:
            return instrument(spec, _Everywhere({}, form))
        except ValidationError as error:
            problems.append(str(error))
    raise AssertionError("\n".join(problems))


class LiveBoxes:
    """Starts boxes; all of them stop together."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="boxes")
        self._thread.start()
        self._servers: list[Any] = []

    def start(self, kind: str, driver: str) -> dict[str, WireServer]:
        """The servers of a box by name, on a world of its own."""

        async def work() -> dict[str, Any]:
            return await BOXES[kind][driver](World(Truth(), RigClock(), 1))

        servers = asyncio.run_coroutine_threadsafe(work(), self.loop).result(20.0)
        self._servers += servers.values()
        return servers

    def call(self, act: Callable[..., Any], *arguments: Any) -> Any:
        """Call `act` on the loop of the servers."""

        async def work() -> Any:
            return act(*arguments)

        return asyncio.run_coroutine_threadsafe(work(), self.loop).result(20.0)

    def close(self) -> None:
        async def stop() -> None:
            for server in self._servers:
                await server.stop()

        asyncio.run_coroutine_threadsafe(stop(), self.loop).result(20.0)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
