"""The queue as it comes over the wire."""

import time

from atta_daq.client.client import Endpoint, StationClient
from atta_daq.client.names import COMMANDS
from atta_daq.client.queue import QueueLine, queue_lines
from atta_daq.client.queue_names import QUEUE_COLUMNS
from atta_daq.station.server import StationServer

ROW = {
    "entry": 7, "name": "a", "state": "waiting", "priority": -2, "repeats": 3, "done": 1,
    "not_before": None, "conditions": "no alarm", "on_fault": "skip", "waits_for": "", "reason": "",
    "run": "r1", "duration_s": 3600.0, "archive_bytes": 1e9, "expected_start": 1.7e9,
    "expected_end": float("nan"), "added_by": "me", "added": 1.6e9,
}  # fmt: skip


def test_every_column_arrives_and_what_is_not_known_is_none() -> None:
    assert set(ROW) == {name for name, _ in QUEUE_COLUMNS}
    server = StationServer("rig", {c.name: lambda _c, _a: {} for c in COMMANDS}, time.time)
    endpoint = Endpoint("rig", "127.0.0.1", server.tcp_port, server.udp_port, 1, "0")
    try:
        with StationClient(endpoint) as client:
            assert queue_lines(client.get("queue:table")) == ()
            server.post_table([], "queue:table")
            assert queue_lines(client.get("queue:table")) == ()
            server.post_table([ROW], "queue:table")
            (line,) = queue_lines(client.get("queue:table"))
    finally:
        server.close()
    assert line == QueueLine(**{**ROW, "not_before": None, "expected_end": None})  # type: ignore[arg-type]
    assert line.open
    assert not line.unfinished
    assert queue_lines(None) == ()
