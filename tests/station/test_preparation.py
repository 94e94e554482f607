"""A rig that fails while a run prepares is brought back, and left safe when it does not come."""

from pathlib import Path

import pytest
from rigs import Rig, read_journal, start_station, stop_station

from atta_daq.archive.run_folder import RunState, open_run

SCAN = """
name = "early"
calibrate_counting_s = 0
zero_on_reference_cell = false
[[part]]
isotope = 83
[[part.axis]]
quantity = "detuning_mhz"
values = [60.0]
"""


@pytest.mark.timeout(180)
def test_a_box_that_is_silent_while_a_run_prepares(own_rig: Rig, tmp_path: Path) -> None:
    station = start_station(own_rig, tmp_path / "data")
    try:
        own_rig.fault("trap_switch", "no_reply")
        run_id = str(station.client.command("run", scan=SCAN)["run"])
        station.wait_for("run:suspended", lambda text: "trap_switch" in text, 30.0)
        assert station.client.get("run:state") == "preparing"
        own_rig.clear()
        assert station.wait_for_end(60.0) == "complete"
        recovery = [
            d["body"] for d in read_journal(station.data / run_id) if d["doc"] == "recovery"
        ]
        assert [body["event"] for body in recovery if body["event"] != "try"] == [
            "suspended", "resumed",
        ]  # fmt: skip
        assert recovery[0]["block"] == -1

        # The same on a rig that does not come back: the run ends, its light does not stay on.
        station.wait_for("run:state", lambda state: state == "idle", 60.0)
        station.client.command("light_on", timeout_s=60.0)
        station.wait_for("amplifier:on", bool, 30.0)
        own_rig.fault("trap_switch", "no_reply")
        run_id = str(
            station.client.command("run", scan=f"{SCAN}[faults]\nwait_at_most_s = 1.0\n")["run"]
        )
        outcome = station.wait_for_end(60.0)
        assert outcome.startswith("aborted: trap_switch"), outcome
        station.wait_for("amplifier:on", lambda on: not on, 10.0)
    finally:
        stop_station(station)
    run = open_run(tmp_path / "data" / run_id)
    assert run.state is RunState.ABORTED
