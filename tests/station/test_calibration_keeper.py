import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from rig_ports import PORTS

from atta_daq.analysis.drift_spectrum import TYPICAL
from atta_daq.archive.calibration_store import CalibrationStore
from atta_daq.calibration.result import Quantity
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.client import CommandRefused
from atta_daq.client.names import CALIBRATION_COLUMNS, CALIBRATION_KINDS
from atta_daq.counting.loading import LoadingError
from atta_daq.rig.bench import Finding
from atta_daq.rig.config import rig_config
from atta_daq.scans.blocks import blocks
from atta_daq.scans.definition import parse_scan
from atta_daq.station.calibration_commands import PROCEDURES, CalibrationCommands
from atta_daq.station.calibration_keeper import CalibrationKeeper
from atta_daq.station.run_header import calibrations_used
from drivers.errors import DriverError, InterlockOpen
from drivers.errors import Timeout as DriverTimeout

DAY_S = 86400.0


class Clock:
    def __init__(self) -> None:
        self.utc_s = time.time()

    def __call__(self) -> float:
        return self.utc_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keeper(tmp_path, clock):
    config = rig_config(rig_file(PORTS, "co"), "rig.toml")
    return CalibrationKeeper(config, CalibrationStore(tmp_path, "r", clock, clock), clock)


def finding(v_pi_v=4.3, valid_days=90.0):
    x = np.linspace(0.0, 1.0, 5)
    return Finding(
        (Quantity(name="v_pi_v", value=v_pi_v, error=0.054, unit="V"),), valid_days, "test",
        {"x": x, "y": x, "fit_x": x, "fit_y": x},
    )  # fmt: skip


def row(keeper, name):
    return next(r for r in keeper.rows() if r["name"] == name)


def test_every_kind_has_a_procedure():
    assert tuple(PROCEDURES) == CALIBRATION_KINDS


def test_what_was_measured_is_stored_used_and_told(keeper):
    heard = []
    keeper.apply = heard.append
    result = keeper.keep("sideband-depth", finding())
    assert keeper.store.results() == (result,)
    assert keeper.store.raw(result.id).exists()
    assert heard[0].values.eom.v_pi_v == 4.3
    found = row(keeper, "EOM half-wave voltage")
    assert set(found) == {name for name, _code in CALIBRATION_COLUMNS}
    assert (found["text"], found["source"], found["state"]) == ("4.30 ± 0.05 V", result.id, "valid")


def test_retiring_brings_the_rig_files_back(keeper):
    result = keeper.keep("sideband-depth", finding())
    keeper.retire(result.id, "jane", "cable was loose")
    assert row(keeper, "EOM half-wave voltage")["source"] == "rig file"
    assert keeper.results()[0]["retired"] == "jane: cable was loose"


def test_a_stale_calibration_is_an_alarm_with_its_remedy(keeper, clock):
    keeper.keep("sideband-depth", finding(valid_days=2.0))
    assert list(keeper.causes()) == []
    since = datetime.fromtimestamp(clock.utc_s, UTC) + timedelta(days=2.0)
    clock.utc_s += 2.01 * DAY_S
    (cause,) = keeper.causes()
    assert cause.id == "calibration:sideband-depth"
    assert f"EOM half-wave voltage (since {since:%Y-%m-%d %H:%M} UTC)" in cause.text
    assert "atta-daq calibrate sideband-depth" in cause.text
    keeper.keep("sideband-depth", finding())
    assert list(keeper.causes()) == []


def sidebands_on(**readings):
    on = {"sideband:on": True, "sideband:frequency": 230.0, "run:state": "idle"}
    return (on | readings).get


def test_sidebands_set_far_from_where_their_depth_was_measured_are_an_alarm(keeper):
    assert list(keeper.causes(sidebands_on())) == []
    # The lab's own rig file trusts its modulator far; the next one is measured and used far off.
    notes = {"frequency_mhz": 3000.0}
    keeper.keep("sideband-depth", replace(finding(), notes=notes))
    (cause,) = keeper.causes(sidebands_on())
    assert cause.id == "calibration:frequency"
    assert "measured at 3000 MHz and used at 230 MHz" in cause.text
    assert row(keeper, "EOM half-wave voltage")["text"] == "4.30 ± 0.05 V at 3000 MHz"
    for elsewhere in (
        {"sideband:on": False}, {"sideband:frequency": None}, {"run:state": "running"},
        {"station:activity": "calibration sideband-depth"}, {"sideband:frequency": 2900.0},
    ):  # fmt: skip
        assert list(keeper.causes(sidebands_on(**elsewhere))) == []
    (cause,) = keeper.causes(sidebands_on(**{"station:activity": "alignment"}))
    assert cause.severity == "minor"


def test_a_run_keeps_all_it_used(keeper, clock):
    result = keeper.keep("sideband-depth", finding(valid_days=1.0))
    later = datetime.fromtimestamp(clock.utc_s + 2.0 * DAY_S, UTC)
    used = {use.name: use for use in calibrations_used(keeper.in_use, later)}
    assert {"axis zero", "cavity sign", "cavity order", "monitor ratio"} <= set(used)
    eom = used["EOM half-wave voltage"]
    assert (eom.value, eom.error, eom.source) == (4.3, 0.054, result.id)
    assert eom.stale.startswith("made ")
    assert used["power slope"].source == "rig file"


def test_a_run_keeps_where_its_sidebands_were_beyond_what_is_known(keeper):
    keeper.keep("sideband-depth", replace(finding(), notes={"frequency_mhz": 3000.0}))
    scan = """name = "s"
[[part]]
isotope = 83
[part.light]
sideband_frequency_mhz = 230.0
    sideband_depth = 0.4"""
    plan = blocks(parse_scan(scan), keeper._config.scan_timing())
    now = datetime.now(UTC)
    used = {use.name: use for use in calibrations_used(keeper.in_use, now, plan)}
    eom = used["EOM half-wave voltage"]
    assert eom.note == "at 3000 MHz"
    assert eom.stale.startswith("measured at 3000 MHz and used at 230 MHz")
    assert used["power slope"].stale == ""
    assert all(use.stale == "" for use in calibrations_used(keeper.in_use, now))


def test_a_sign_is_told_with_its_sign(keeper):
    (row,) = (row for row in keeper.rows() if row["name"] == "cavity sign")
    assert row["text"] in ("+1", "-1")
    assert row["text"] == f"{row['value']:+g}"


def commands(keeper, said):
    """The handlers without a rig: whatever would move something is not there."""
    control = SimpleNamespace(require=lambda _client: None)
    return CalibrationCommands(
        None, None, None, None, None, control, None, keeper, None, lambda *a: said.append(a)
    )


def test_runs_calibrate_the_source_and_nothing_else(keeper, monkeypatch):
    said, asked = [], []

    def of_runs(data, names):
        asked.append((data, names))
        if "empty" in names:
            raise ValueError("4 rates are too few")
        walk = Quantity(name="walk_per_root_h", value=0.03, error=0.004)
        rest = tuple(
            Quantity(name=n, value=0.0, error=0.1) for n in ("drift_per_h", "excess_noise")
        )
        return Finding((walk, *rest), 90.0, "test", {"x": np.zeros(2), "y": np.zeros(2)})

    monkeypatch.setattr("atta_daq.station.calibration_commands.source_drift_of_runs", of_runs)
    calibrate = commands(keeper, said).calibrate
    with pytest.raises(CommandRefused, match="not 'camera'"):
        calibrate("me", {"kind": "camera", "runs": "a"})
    with pytest.raises(CommandRefused, match="source-drift: 4 rates are too few"):
        calibrate("me", {"kind": "source-drift", "runs": "empty"})
    answer = calibrate("me", {"kind": "source-drift", "runs": "a  b"})
    assert asked[-1] == (keeper.store.data, ["a", "b"])
    assert answer["kind"] == "source-drift"
    assert keeper.in_use.values.source.spectrum().walk_per_s == pytest.approx(0.03**2 / 3600.0)
    assert said[-1][0] == f"calibrated: {answer['id']}"


def calibrating_on(keeper, done, refused):
    """The handlers on a rig that notes what is put back; its amplifier may take no current."""

    def note(what, answer=None):
        return lambda *arguments: done.append((what, *arguments)) or answer

    def off(_current_ma):
        raise InterlockOpen("amplifier", "the amplifier is off")

    rig = SimpleNamespace(
        amplifier=SimpleNamespace(
            status=lambda: SimpleNamespace(amplifier_current_set_ma=1500.0),
            set_amplifier_current=off if refused else note("current"),
        ),
        lock=SimpleNamespace(
            status=lambda: SimpleNamespace(ratio_setpoint=0.4), set_ratio=note("ratio")
        ),
        sideband=SimpleNamespace(
            status=lambda: SimpleNamespace(rf_on=False), rf_off=note("rf off")
        ),
        trap_switch=SimpleNamespace(set_pumping_light=note("819-nm shutter")),
    )
    light = SimpleNamespace(forget=lambda: None)
    return CalibrationCommands(
        rig, None, light, None, None, None, None, keeper, lambda *_: None, lambda *_: None
    )


def measure(calibrating, monkeypatch, procedure):
    monkeypatch.setitem(PROCEDURES, "dwell", procedure)
    return calibrating._measure("dwell", SimpleNamespace(name="dwell", ending="", pause=None))


def test_what_was_found_holds_though_the_light_does_not_come_back(keeper, monkeypatch):
    done = []
    finding = Finding((Quantity(name="dwell_s", value=0.4, error=0.01),), 90.0, "test", {})
    with pytest.raises(InterlockOpen, match="the amplifier is off"):
        measure(calibrating_on(keeper, done, True), monkeypatch, lambda _bench: finding)
    assert [r["kind"] for r in keeper.results()] == ["dwell"]
    assert done[-1] == ("ratio", 0.4)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LoadingError("the trace ends early"), "loading: calibration dwell: the trace ends early"),
        (DriverTimeout("loading", "no answer"), "loading: no answer"),
        (ZeroDivisionError("a bug"), "a bug"),
    ],
)
@pytest.mark.parametrize("refused", [False, True])
def test_however_a_calibration_ends_rf_and_light_are_put_back(
    keeper, monkeypatch, error, told, refused
):
    """Also where the amplifier, which went off meanwhile, takes no current."""
    done = []

    def fails(_bench):
        raise error

    with pytest.raises(Exception, match=told) as raised:
        measure(calibrating_on(keeper, done, refused), monkeypatch, fails)
    assert isinstance(raised.value, DriverError | ZeroDivisionError)
    assert done == [
        ("rf off",), ("819-nm shutter", False), *([] if refused else [("current", 1500.0)]),
        ("ratio", 0.4),
    ]  # fmt: skip


def test_a_source_that_nobody_measured_is_typical_and_never_stale(keeper):
    assert row(keeper, "walk of the source")["state"] == "not measured"
    assert keeper.in_use.values.source.spectrum() == TYPICAL
