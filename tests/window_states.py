"""States of the whole window, fed to it by a fake link: what the pictures are taken of."""

import json
import math
import time
from typing import Any

import numpy as np
from fakes_calibrations import calibration_table
from fakes_gui import FakeLink, feed_idle
from fakes_queue import night
from fakes_sweep import live, spectrum, spectrum_fit

from atta_daq.client.log import Alarm, LogLine, alarms_to_json, log_to_json
from atta_daq.client.runs import PointUnderWay
from atta_daq.client.slow import SlowSeverity, SlowValue, slow_to_json
from gui.link.station import LinkState
from gui.link.values import OK, Value

NOW_S = time.time()
PEAKS = (551.2, 1450.7, 2950.3, 4050.1, 5549.9, 6449.0)
LINE_MHZ = -1.2
"""Where the last zeroing found the line of the reference cell."""
POINT = PointUnderWay("rare", 85, True, False, 27, {"detuning_mhz": -150.0})
RUN_ID = "20261122-1229-85Kr-spectrum"
DIFFERENT = "station 'test-rig' runs atta-daq 9.9, this window is 0.4: install the same version"
LOST = "the slave's peak is missing"
BEHIND_EOM = (
    "sidebands: sidebands of 25.0 % at 0.083 of the free spectral range beside the slave: the "
    "pick-off lies behind the EOM"
)
OUTPUT_MISSING = (
    "less than half of the power that 2497 mA should give: 12 mW instead of 499 mW. The amplifier "
    "may be damaged, or its photodiode is not connected; press STOP, and look at both before the "
    "light comes on again"
)
LOG = (
    ("info", "bench", "light on"),
    ("info", "run", f"run {RUN_ID} started"),
    ("info", "operator", "source warmed up, discharge at 38 W"),
    ("warning", "camera", "12 frames did not arrive in segment 5 of block 3; live time is less"),
    ("error", "lock", "lock lost: the slave's peak is missing; the actuator is held"),
)


def log_lines() -> str:
    return log_to_json(
        [
            LogLine(i, NOW_S - 400.0 + 60.0 * i, level, source, text)  # type: ignore[arg-type]
            for i, (level, source, text) in enumerate(LOG)
        ]
    )


def lock_alarm(reason: str = LOST, ago_s: float = 30.0, active: bool = True) -> Alarm:
    """What the station says of a lost lock."""
    text = f"the 819-nm lock is open: {reason}"
    return Alarm("lock", "lock", text, "major", NOW_S - ago_s, active, False)


def feed_history(link: FakeLink) -> None:
    """Five minutes of the readings that the strip charts and the alignment show."""
    rng = np.random.default_rng(3)
    for i in range(300):
        utc_s = NOW_S - 300.0 + i
        for name, value in (
            ("lock__rms", 0.8 + 0.1 * rng.normal()),
            ("amplifier__output_power", 594.0 + 0.4 * rng.normal()),
            ("camera__temperature", -80.0 + 0.05 * math.sin(i / 20.0)),
            ("loading__meter", 0.0123 + 0.0004 * rng.normal()),
            ("station__rig_time", utc_s),
        ):
            link.feed(**{name: Value(float(value), OK, "", utc_s)})


def slow(severity: SlowSeverity = "ok") -> str:
    """Four values of slow control; `severity` is that of the source's pressure."""
    reason = "" if severity == "ok" else "2.1e-05 mbar is above 1e-05 mbar"
    pressure = SlowValue("source_pressure", "pressure of the source", "mbar",
                         2.31e-6 if severity == "ok" else 2.1e-5, severity, reason, True,
                         None, None, 5e-6, 1e-5, NOW_S)  # fmt: skip
    return slow_to_json([
        pressure,
        SlowValue("trap_pressure", "pressure of the trap", "mbar", 3.4e-9, "ok", "", True,
                  None, None, 1e-8, 5e-8, NOW_S),
        SlowValue("rf_power", "RF power of the discharge", "W", 38.2, "ok", "", False,
                  30.0, 35.0, 42.0, 45.0, NOW_S),
        SlowValue("source_temperature", "temperature of the source", "degC", None, "invalid",
                  "not connected", False, None, None, None, None, None),
    ])  # fmt: skip


def idle(link: FakeLink) -> None:
    feed_idle(link)
    link.feed(
        station__log=log_lines(), slow__readings=slow(), lock__trace_errors=np.array([]),
        run__recovery="", run__skipped=0,
        **{name: np.array([]) for name in sweep()},
    )  # fmt: skip


def running(link: FakeLink) -> None:
    """An 85Kr spectrum after twelve blocks; every instrument does its work."""
    idle(link)
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[0:40, 0:40]
    spot = 900.0 * np.exp(-((rows - 20) ** 2 + (columns - 19) ** 2) / (2 * 2.0**2))
    frame = rng.poisson(400.0 + spot).astype(np.uint16)
    atoms = np.repeat(rng.integers(0, 3, 30), 10)
    signals = 20.0 + 300.0 * atoms + rng.normal(0.0, 50.0, 300)
    arrivals = np.append(False, np.diff(atoms) > 0)
    detunings = np.linspace(-60.0, 60.0, 25)
    away = (detunings - LINE_MHZ) / 20.0
    volts = -0.3 * away * np.exp(0.5 - 0.5 * away**2)
    loading = 0.2 * (1.0 - np.exp(-np.arange(1000) / 300.0)) + 0.004 * rng.normal(size=1000)
    link.feed(
        station__control=link.name,
        camera__acquiring=True, camera__gain=200, camera__shutter=True, light__shutter=True,
        camera__image=frame, camera__frames=1432, camera__lost=0, camera__saturated=0.0002,
        camera__signals=signals, camera__arrivals=arrivals,
        camera__counting=json.dumps(
            {"electrons_per_atom": 300.0, "zero_electrons": 20.0, "spot_row_px": 20.0,
             "spot_column_px": 19.0, "spot_sigma_px": 2.0}
        ),
        rate__counts=97, rate__counting=3950.0,
        run__table={"index": [28], "kind": ["rare"], "bracket": [False], "flag": [""],
                    "counts": [97], "efficiency": [math.nan], "live_s": [3600.0 * 97 / 3950.0],
                    "mid_rig_s": [NOW_S], "rate": [math.nan], "rate_error": [math.nan]},
        rate__loading_83=0.0412, rate__loading_84=0.0123, light__ratio=1.57,
        lock__errors=rng.normal(0.0, 0.6, 120), lock__peaks=np.array(PEAKS),
        cell__detunings=detunings, cell__volts=volts, cell__signal=0.0009, cell__rms=0.0021,
        cell__zero=json.dumps({"ratio": 0.4012, "error_mhz": 0.31, "shift_mhz": LINE_MHZ,
                               "utc_s": NOW_S - 1800.0}),
        loading__trace=loading, loading__step=1e-3, loading__meter=0.0123,
        sideband__on=True,
        queue__state="running", queue__entry=4, queue__table=night(),
        run__point=POINT.to_json(), run__id=RUN_ID, run__segment=29, run__segments=97,
        run__remaining=8 * 3600.0 + 300.0,
        **live(spectrum(), spectrum_fit()),
    )  # fmt: skip


def software_lock(link: FakeLink) -> None:
    """The run above with a lock that digitises the cavity."""
    running(link)
    link.feed(**sweep(), lock__trace_errors=np.random.default_rng(2).normal(0.0, 0.6, 120))


def sweep(sidebands: float = 0.0) -> dict[str, Any]:
    """Readings of one ramp: two master peaks, two of the slave, with noise."""
    times = np.linspace(0.0, 4000.0, 2000)
    rng = np.random.default_rng(4)

    def line(middle: float, height: float) -> np.ndarray:
        return height / (1.0 + ((times - middle) / 25.0) ** 2)

    masters, slaves = np.array([551.2, 2950.3]), np.array([1450.7, 3872.6])
    slave = sum(line(middle, 0.8) for middle in slaves)
    slave = slave + sum(line(middle + side, sidebands) for middle in slaves for side in (-200, 200))
    noise = rng.normal(0.0, 0.01, (2, times.size))
    return {
        "lock__trace_times": times,
        "lock__trace_master": sum(line(middle, 1.2) for middle in masters) + noise[0],
        "lock__trace_slave": slave + noise[1],
        "lock__trace_master_peaks": masters,
        "lock__trace_slave_peaks": slaves,
    }


def calibrating(link: FakeLink) -> None:
    """The cavity is measured anew; two calibrations are stale."""
    idle(link)
    link.feed(
        station__activity="calibration cavity", station__control=link.name,
        calibrations__progress="step 37 of 121, at -240 MHz",
        calibrations__table=calibration_table(NOW_S, ("free spectral range", "cavity sign")),
    )  # fmt: skip


def paused(link: FakeLink) -> None:
    running(link)
    link.feed(run__state="paused", run__point="")


def suspended(link: FakeLink) -> None:
    running(link)
    link.feed(
        run__point="", run__suspended=f"lock: {LOST}", lock__locked=False, lock__reason=LOST,
        lock__peaks=np.array([]), station__alarms=alarms_to_json([lock_alarm()]),
    )  # fmt: skip


def preparing(link: FakeLink) -> None:
    """A run that has just been started: the light comes on, the counting is calibrated."""
    idle(link)
    started = live(spectrum(taken=0), None)
    started["run__state"] = "preparing"
    link.feed(
        **started, station__control=link.name, run__id=RUN_ID, run__segment=0, run__segments=97,
        run__remaining=12 * 3600.0, amplifier__current=1210.0, queue__state="running",
    )  # fmt: skip


def stopping(link: FakeLink) -> None:
    """The last segment is taken: the light goes off, the report is made."""
    running(link)
    link.feed(
        run__state="stopping", run__point="", run__segment=97, run__remaining=0.0,
        light__shutter=False, camera__acquiring=False, camera__gain=0, camera__shutter=False,
    )  # fmt: skip


def recovering(link: FakeLink) -> None:
    """A run that waits while a recipe brings its rig back."""
    suspended(link)
    link.feed(run__recovery="relock and verify the mode, try 2 of 5", run__skipped=1)


def unseen(link: FakeLink) -> None:
    """Everything is well again, and nobody has looked at what was wrong."""
    running(link)
    over = [
        lock_alarm(ago_s=3600.0, active=False),
        Alarm("camera:frames", "camera", "4 % of the frames of this segment were lost", "minor",
              NOW_S - 300.0, False, False),
    ]  # fmt: skip
    link.feed(station__alarms=alarms_to_json(over))


def busy(link: FakeLink) -> None:
    idle(link)
    link.feed(station__activity="zeroing", station__control=link.name)


def watching(link: FakeLink) -> None:
    running(link)
    link.feed(station__control="bench-2")


def fault(link: FakeLink) -> None:
    """The run has ended by a fault of the camera."""
    running(link)
    reason = "camera: no frame for 5.0 s: restart the camera's server"
    said = f"run {RUN_ID}: aborted, {reason}"
    gone = Value(math.nan, 3, "camera: no answer", NOW_S)
    alarms = [
        Alarm("run:fault", "run", said, "major", NOW_S - 60.0, False, False),
        Alarm("camera", "camera", "camera does not answer", "major", NOW_S - 70.0, True, True),
    ]
    over: dict[str, Any] = live(spectrum(), spectrum_fit(), state="aborted", outcome=reason)
    over["run__state"] = "idle"
    over["run__point"] = ""
    link.feed(
        **over, run__outcome=f"aborted: {reason}", run__suspended="",
        camera__gain=gone, camera__temperature=gone, camera__acquiring=gone, camera__stable=gone,
        camera__shutter=gone, light__shutter=False, station__alarms=alarms_to_json(alarms),
    )  # fmt: skip


def trouble(link: FakeLink) -> None:
    """All that can be wrong at once."""
    running(link)
    rng = np.random.default_rng(6)
    over_range = {
        f"power_meter__{name}": Value(value, 3, "over range")
        for name, value in (("power", 9.98), ("source_power", 499.1), ("disagreement", 0.0002))
    }
    alarms = [
        lock_alarm(BEHIND_EOM),
        Alarm("amplifier:interlock", "amplifier", "interlock of the laser head is open", "major",
              NOW_S - 20.0, True, False),
        Alarm("amplifier:output", "amplifier", OUTPUT_MISSING, "major", NOW_S - 10.0, True, False),
        Alarm("camera:frames", "camera", "4 % of the frames of this segment were lost", "minor",
              NOW_S - 300.0, False, False),
    ]  # fmt: skip
    link.feed(
        **sweep(sidebands=0.2), lock__locked=False, lock__reason=BEHIND_EOM,
        lock__trace_errors=np.array([]), lock__peaks=np.array([]),
        amplifier__interlock_open=True, amplifier__protected=False,
        amplifier__output_power=14.3, light__power=12.0,
        amplifier__health="Amplifier damaged: output far below its calibration",
        station__watchdog=84.0, camera__gain=0, camera__acquiring=False, camera__shutter=False,
        camera__trip="0.52 % of the pixels were saturated in 2 frames in a row: gain taken away, "
        "shutter closed; look for stray light",
        calibrations__table=calibration_table(NOW_S, ("threshold current", "power slope")),
        camera__lost=60, camera__saturated=0.0123, camera__stable=False, sideband__locked=False,
        cell__volts=0.01 * rng.normal(size=25),
        cell__zero=json.dumps({"problem": "no dispersive line within the samples",
                               "utc_s": NOW_S - 60.0}),
        trap__locked=False, slow__readings=slow("major"),
        power_meter__overrange=True, **over_range,
        station__alarms=alarms_to_json(alarms),
        run__point="", run__suspended="amplifier: interlock of the laser head is open",
    )  # fmt: skip


def lost(link: FakeLink) -> None:
    running(link)
    feed_history(link)
    link.go(LinkState.LOST, "station 'test-rig' does not answer")


def searching(link: FakeLink) -> None:
    link.go(LinkState.SEARCHING, "no station runs; still looking")


def other_version(link: FakeLink) -> None:
    link.go(LinkState.REFUSED, DIFFERENT)


STATES = {
    "idle": idle, "running": running, "preparing": preparing, "paused": paused,
    "suspended": suspended, "recovering": recovering, "stopping": stopping, "unseen": unseen,
    "busy": busy, "calibrating": calibrating, "watching": watching, "fault": fault,
    "trouble": trouble, "lost": lost,
}  # fmt: skip
"""A window that has a station, or had one."""
BEFORE = {"searching": searching, "other-version": other_version}
"""A window that has not seen a station yet."""
