"""One run through many faults, with nobody there: it waits, cures, skips, and says all of it.

One station for all: what comes one after the other in a night comes within a minute here.
"""

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from rigs import Rig, RunningStation, read_journal, start_rig, start_station, stop_station

from atta_daq.archive.chain import open_chain
from atta_daq.archive.run_folder import RunState, open_run

SCAN = """
name = "kept going"
calibrate_counting_s = 0
zero_on_reference_cell = false
bracket_period_s = 30.0
[faults]
after_tries = "skip"
tries = 3
loading_fraction_min = 0.4
[[part]]
isotope = 85
dwell_s = 24.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
start = -300.0
stop = 600.0
points = 7
"""

STOPS = SCAN.replace('after_tries = "skip"\ntries = 3', "wait_at_most_s = 1.0")


class Night:
    """A run under way, and what is done to it."""

    def __init__(self, rig: Rig, station: RunningStation, scan: str = SCAN) -> None:
        self.rig, self.station = rig, station
        self.run_id = str(station.client.command("run", scan=scan)["run"])
        self.folder = station.data / self.run_id

    def taken(self) -> int:
        return int(self.station.client.get("run:segment"))

    def in_a_segment(self) -> None:
        """Wait until atoms are counted and the run waits for nothing."""
        before = self.taken()
        wait_for = self.station.wait_for
        wait_for("run:segment", lambda n: int(n) > before, 40.0)
        wait_for("camera:acquiring", bool, 40.0)

    def in_another_block(self) -> None:
        """Wait until no block of before can fail any more: each may fail three times only."""
        before = self.counted()
        self.station.wait_for("run:segment", lambda _n: self.counted() > before + 1, 60.0)
        self.in_a_segment()

    def counted(self) -> int:
        """Points taken so far; here each is a block, and whole when the next is taken."""
        segments = open_run(self.folder).segments
        return sum(s.kind == "rare" and not s.flag for s in segments)

    def waits_for(self, words: str) -> None:
        self.station.wait_for("run:suspended", lambda text: words in text, 40.0)

    def goes_on(self) -> None:
        before = self.taken()
        self.station.wait_for("run:suspended", lambda text: text == "", 60.0)
        self.station.wait_for("run:segment", lambda n: int(n) > before, 40.0)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Bodies of the `recovery` documents of one event."""
        bodies = [d["body"] for d in read_journal(self.folder) if d["doc"] == "recovery"]
        return [body for body in bodies if body["event"] == kind]


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_a_night_of_faults(tmp_path: Path) -> None:
    rig = start_rig(tmp_path, speed=60.0)
    for value in rig.config["slow_control"]["value"]:
        if value["name"] == "discharge_power":
            # Late enough for a bracket to find the source dark first.
            value["after_s"] = 4.0
    rig.path.write_text(tomli_w.dumps(rig.config))
    station = start_station(rig, tmp_path / "data")
    try:
        faults(Night(rig, station))
        station.wait_for("run:state", lambda state: state == "idle", 60.0)
        a_rig_that_does_not_come_back(Night(rig, station, STOPS))
    finally:
        stop_station(station)
        rig.world.close()


def faults(night: Night) -> None:
    rig, station = night.rig, night.station

    night.in_a_segment()
    rig.fault("slow_control", "pressure_spike", factor=1e6)
    night.waits_for("pressure of the source chamber")
    rig.clear()
    night.goes_on()

    # The closing bracket finds it first; the alarm of the RF comes while the run waits.
    rig.fault("slow_control", "discharge_off")
    night.waits_for("RF power of the discharge")
    rig.clear()
    night.goes_on()

    night.in_another_block()
    rig.fault("amplifier", "trip")
    station.wait_for("station:log", lambda text: "switch the amplifier on, try 1: done" in text)
    night.goes_on()

    # A camera that stays stalled through more restarts than a block has attempts.
    night.in_another_block()
    rig.fault("camera", "stall")
    night.waits_for("camera stalled")
    station.wait_for("station:log", lambda text: "restart the camera, try 2: failed" in text, 60.0)
    rig.clear()
    night.goes_on()

    # A box that stays silent: no reconnecting helps, the block is given up.
    night.in_a_segment()
    assert station.client.get("run:skipped") == 0
    rig.fault("sideband", "no_reply")
    night.waits_for("sideband")
    station.wait_for("run:skipped", lambda n: int(n) == 1, 60.0)
    rig.clear()
    night.goes_on()

    outcome = station.wait_for_end(120.0)
    assert outcome.startswith("complete with gaps: 1 of 7 blocks were skipped"), outcome
    run = open_run(night.folder)
    assert run.state is RunState.GAPS
    told = [d["body"] for d in read_journal(night.folder) if d["doc"] == "skipped"]
    assert len(told) == 1
    good = [s for s in run.segments if not s.flag]
    assert {s.point for s in good if s.kind == "rare"} == set(range(7)) - set(told[0]["points"])

    tries = night.events("try")
    done = {t["recipe"] for t in tries if t["outcome"] == "done"}
    assert {
        "restart the camera",
        "switch the amplifier on",
        "measure the loading",
        "set trap and camera anew",
    } <= done
    failed = [t["try"] for t in tries if t["recipe"] == "reconnect" and t["outcome"] != "done"]
    assert failed[:3] == [1, 2, 3], tries
    causes = " ".join(e["cause"] for e in night.events("suspended"))
    assert all(word in causes for word in ("pressure", "83Kr loading", "amplifier", "sideband"))
    assert len(night.events("given up")) == 1

    # Somebody comes: what is missing is taken, and the chain is whole.
    station.wait_for("run:state", lambda state: state == "idle", 60.0)
    again = str(station.client.command("resume_run", run=night.run_id)["run"])
    station.wait_for("run:id", lambda run_id: run_id == again)
    assert station.wait_for_end(60.0) == "complete"
    chain = open_chain(station.data / again)
    good = [s for s in chain.segments if not s.flag and s.kind == "rare"]
    assert sorted(s.point for s in good if s.point is not None) == list(range(7))


def a_rig_that_does_not_come_back(night: Night) -> None:
    """A scan that says stop: the run ends, and nobody needs to come for the rig's sake."""
    station = night.station
    night.in_a_segment()
    night.rig.fault("amplifier", "seed_loss")
    outcome = station.wait_for_end(60.0)
    assert outcome.startswith("aborted: block"), outcome
    assert "not back within 1 s" in outcome
    assert "seed at" in outcome
    station.wait_for("amplifier:on", lambda on: not on, 20.0)
    station.wait_for("light:shutter", lambda is_open: not is_open, 20.0)
    status = night.rig.world.ask({"cmd": "status"})["status"]
    assert not status["amplifier_destroyed"]
    assert not status["camera"]["shutter_open"]
    assert open_run(night.folder).state is RunState.ABORTED
