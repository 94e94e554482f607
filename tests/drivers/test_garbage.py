"""Every driver of the registry against a box that answers nonsense: typed errors, and no hang."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from garbage import GARBAGE, GarbageServer, within
from hypothesis import HealthCheck, given, settings
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.config import rig_config
from atta_daq.rig.drivers import BUILT_IN, BuildContext, DriverSpec
from drivers.errors import DriverError

NO_WIRE = {
    "areadetector": "typed structures, see test_pva_garbage",
    "micromanager": "a library in this process",
    "epics-pva": "typed structures, see test_pva_garbage",
}
"""Drivers without a byte stream, and what is tested instead."""
LONGEST_S = 12.0
"""A few timeouts in a row, where half an answer waits for its rest."""
READS = {
    "loading": lambda i: i.quench_bursts(1, 0.03, 0.01),
    "reference_cell": lambda i: i.read_signal(0.02),
    "power_meter": lambda i: i.read_power(),
}
"""How an instrument without `status` is asked."""
SPECS = [spec for spec in BUILT_IN if spec.driver not in NO_WIRE]


@pytest.fixture
def server() -> Iterator[GarbageServer]:
    server = GarbageServer()
    yield server
    server.close()


def instrument_at(spec: DriverSpec, port: int) -> Any:
    """The instrument of `spec`, every address of it on `port`."""
    drivers = {other.kind: other.driver for other in reversed(BUILT_IN)} | {spec.kind: spec.driver}
    table = rig_file({**PORTS, "drivers": drivers}, "co")[spec.kind]
    moved = {key: _moved(value, port) for key, value in table.items()}
    config = rig_config({**rig_file(PORTS, "co"), spec.kind: table}, "rig.toml")
    section = spec.section.model_validate(moved)
    return spec.instrument(section, BuildContext(config, gain_forbidden=lambda: ""))


def _moved(value: Any, port: int) -> Any:
    if not isinstance(value, str):
        return value
    if value.startswith("TCPIP"):
        return f"TCPIP0::127.0.0.1::{port}::SOCKET"
    if value.startswith("socket://"):
        return f"socket://127.0.0.1:{port}"
    return f"127.0.0.1:{port}" if value.startswith("127.0.0.1:") else value


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: f"{s.kind}-{s.driver}")
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=GARBAGE, second=GARBAGE)
def test_typed_errors_only(
    spec: DriverSpec, server: GarbageServer, first: bytes, second: bytes
) -> None:
    server.answers = [first, second]
    instrument = instrument_at(spec, server.port)
    read = READS.get(spec.kind, lambda i: i.status())
    for act in (instrument.connect, lambda: read(instrument), instrument.make_safe):

        def typed(act: Any = act) -> None:
            with suppress(DriverError):
                act()

        within(LONGEST_S, typed)
    instrument.close()


def test_the_registry_is_covered() -> None:
    """A driver that is added is either met with garbage, or says why not."""
    met = {spec.driver for spec in SPECS}
    assert met | NO_WIRE.keys() >= {spec.driver for spec in BUILT_IN}
    assert all(reason for reason in NO_WIRE.values())
