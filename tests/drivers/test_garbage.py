"""Every driver of the registry against a box that answers nonsense: typed errors, and no hang."""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from garbage import GARBAGE, GarbageServer, within
from garbage_wires import NO_WIRE, READS, SPECS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_boxes import instrument_anywhere
from serial.urlhandler import protocol_socket

from atta_daq.rig.drivers import BUILT_IN, DriverSpec
from drivers.errors import DriverError

LONGEST_S = 12.0
"""A few timeouts in a row, where half an answer waits for its rest."""


@pytest.fixture
def server() -> Iterator[GarbageServer]:
    server = GarbageServer()
    yield server
    server.close()


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: f"{s.kind}-{s.driver}")
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pieces=st.lists(GARBAGE, min_size=1, max_size=9), seed=st.integers(0, 2**32))
def test_typed_errors_only(
    monkeypatch: pytest.MonkeyPatch,
    spec: DriverSpec,
    server: GarbageServer,
    pieces: list[bytes],
    seed: int,
) -> None:
    server.pieces, server.seed = pieces, seed
    # pyserial's socket waits 0.3 s at each close, for boxes that are slow to let go
    monkeypatch.setattr(protocol_socket, "time", SimpleNamespace(sleep=lambda _s: None))
    box = instrument_anywhere(spec, server.port)
    read = READS.get(spec.kind, lambda i: i.status())
    for act in (box.connect, lambda: read(box), box.make_safe):

        def typed(act: Any = act) -> None:
            with contextlib.suppress(DriverError):
                act()

        within(LONGEST_S, typed)
    box.close()


def test_the_registry_is_covered() -> None:
    """A driver that is added is either met with garbage, or says why not."""
    met = {spec.driver for spec in SPECS}
    assert met | NO_WIRE.keys() >= {spec.driver for spec in BUILT_IN}
    assert all(reason for reason in NO_WIRE.values())
