"""The first update may come before p4p's `monitor` has returned: it must not be lost.

p4p 4.3 drops the wake-up then, and no other follows: the reading stays what it was for ever. A
busy computer shows it now and then; here the return of `monitor` is held up.
"""

import queue
import time
from collections.abc import Iterator
from typing import Any

import pytest
from p4p.client.raw import Context
from p4p.nt import NTScalar
from p4p.server.thread import SharedPV
from pva_alone import served

from atta_daq.client.client import StationClient, plain
from atta_daq.client.endpoint import Endpoint
from drivers.pva_link import PvaLink

HELD_UP_S = 0.3


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    pv = SharedPV(nt=NTScalar("d"), initial=42.0)
    with served({"rig:lock:rms": pv}) as server:
        found = server.conf()
        original: Any = Context.monitor

        def held_up(*arguments: Any, **named: Any) -> Any:
            subscription = original(*arguments, **named)
            time.sleep(HELD_UP_S)
            return subscription

        monkeypatch.setattr(Context, "monitor", held_up)
        yield {
            "tcp": int(found["EPICS_PVAS_SERVER_PORT"]),
            "udp": int(found["EPICS_PVAS_BROADCAST_PORT"]),
        }


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """p4p logs that it lost something."""
    caplog.set_level("CRITICAL", "p4p.client.thread")


def test_a_window_gets_a_value_that_came_early(ports: dict[str, int]) -> None:
    endpoint = Endpoint("rig", "127.0.0.1", ports["tcp"], ports["udp"], 1, "")
    got: queue.Queue[Any] = queue.Queue()
    with StationClient(endpoint) as client:
        assert client.get("lock:rms") == 42.0
        client.watch("lock:rms", got.put)
        assert plain(got.get(timeout=5.0)) == 42.0


def test_a_driver_gets_a_value_that_came_early(ports: dict[str, int]) -> None:
    link = PvaLink("camera", f"pva://127.0.0.1:{ports['udp']}/rig:", timeout_s=5.0)
    got: queue.Queue[Any] = queue.Queue()
    link.open()
    try:
        link.get("lock:rms")
        subscription = link.monitor("lock:rms", got.put, 4)
        values = (value for value in iter(lambda: got.get(timeout=5.0), None))
        assert next(v for v in values if not isinstance(v, Exception))["value"] == 42.0
        subscription.close()
    finally:
        link.close()
