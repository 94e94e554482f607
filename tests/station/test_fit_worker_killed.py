"""A station whose fit worker is killed, as a system without memory does, keeps fitting."""

import os
import signal
import time

import psutil
import pytest
from rigs import RunningStation

from atta_daq.archive.run_folder import open_run
from atta_daq.client.log import alarms_from_json

SCAN = """
name = "killed"
calibrate_counting_s = 100.0
bracket_period_s = 50.0
[[part]]
isotope = 85
dwell_s = 20.0
pumping = "abba"
"""


@pytest.mark.timeout(180)
def test_the_run_is_fitted_and_reported_all_the_same(station: RunningStation) -> None:
    own = psutil.Process(station.process.pid)
    deadline = time.monotonic() + 60.0
    while len(own.children()) < 2:
        assert time.monotonic() < deadline, "fit worker and calculator did not start"
        time.sleep(0.1)
    run_id = str(station.client.command("run", scan=SCAN)["run"])
    station.wait_for("run:segment", lambda value: value >= 1)
    # Which of them is the fit worker does not show from outside.
    for worker in own.children():
        os.kill(worker.pid, signal.SIGKILL)
    assert station.wait_for_end(100.0) == "complete"
    run = open_run(station.data / run_id)
    assert (run.folder / "report.html").exists()
    assert "85Kr" in run.fits
    told = {
        alarm.id: alarm for alarm in alarms_from_json(str(station.client.get("station:alarms")))
    }
    assert "exit code -9" in told["run:fit-worker"].text
    assert not told["run:fit-worker"].active
