"""The whole rig with the software lock: station, driver, wire, simulated cavity and cell."""

import time

import numpy as np
import pytest
from rigs import start_rig, start_station, stop_station

from atta_daq.client.errors import CommandRefused

ZERO_OFF_MHZ = 14.9
"""The simulated lab's rig file has the zero 0.005 off in ratio, until it is measured."""


@pytest.mark.soak
def test_a_rig_on_the_software_lock(tmp_path) -> None:
    rig = start_rig(tmp_path, speed=1.0, seed=5, instruments=("lock=redpitaya-stcl",))
    station = start_station(rig, tmp_path / "runs")
    client = station.client

    def true_mhz() -> float:
        values = []
        for _ in range(15):
            values.append(rig.world.ask({"cmd": "status"})["status"]["detuning_mhz"])
            time.sleep(0.07)
        return float(np.mean(values))

    try:
        client.command("take_control")
        client.command("light_on", timeout_s=60.0)
        station.wait_for("lock:locked", bool)
        # Its zero is a guess of 30 MHz: it closes all the same, and says what is not known.
        station.wait_for("station:log", lambda text: "master is not verified" in text)
        # From one side of a master peak to the other: R = 0.31, -0.07, 0.31.
        for detuning_mhz in (-293.0, -1400.0, -293.0):
            client.command("move_light", timeout_s=60.0, detuning_mhz=detuning_mhz)
            assert true_mhz() == pytest.approx(detuning_mhz + ZERO_OFF_MHZ, abs=1.0)
        with pytest.raises(CommandRefused, match="of a master peak"):
            client.command("move_light", detuning_mhz=-1220.0)
        station.wait_for("lock:trace_master", lambda v: len(v) > 500)
        assert len(client.get("lock:trace_times")) == len(client.get("lock:trace_slave")) <= 1000
        assert len(client.get("lock:trace_master_peaks")) == 4
        client.command("zero_axis", timeout_s=120.0)
        station.wait_for("cell:zero", lambda v: "error" in v or "ratio" in v)
        station.wait_for("station:activity", lambda v: v == "")
        client.command("move_light", timeout_s=60.0, detuning_mhz=-293.0)
        # The zero of the simulated cell itself is 0.3 MHz off.
        assert true_mhz() == pytest.approx(-293.0, abs=1.5)

        rig.fault("lock", "mode_hop")
        station.wait_for("lock:locked", lambda v: not v)
        station.wait_for("lock:locked", bool)
        assert true_mhz() == pytest.approx(-293.0, abs=1.5)

        rig.fault("lock", "swapped_photodiodes")
        station.wait_for("lock:reason", lambda v: "photodiodes are swapped" in v)
        rig.clear()
        client.command("relock", timeout_s=60.0)
        rig.fault("lock", "ramp_polarity")
        station.wait_for("lock:reason", lambda v: "polarity is wrong" in v)
    finally:
        stop_station(station)
        rig.world.close()
