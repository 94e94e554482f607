"""Runs on disk to test with: small, deterministic, made through the public writer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.archive.header import RunHeader, new_run_id
from atta_daq.archive.run_folder import RunWriter

START_UTC_S = 1_800_000_000.0
SCAN = """name = "demo"

[[part]]
isotope = 85
dwell_s = 60.0

[[part.axis]]
quantity = "detuning_mhz"
start = -400.0
stop = 500.0
points = 7
"""
RIG = "[clock]\nrate = 1\n"
"""No rig that could be opened, but a file."""


@dataclass
class Clock:
    """Time that moves one second at every look."""

    now_s: float = START_UTC_S

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


def stored_segment(index: int = 0, **changes: Any) -> Segment:
    """A minute of 85Kr at the point `index`."""
    values: dict[str, Any] = {
        "run_id": "run",
        "block": 0,
        "attempt": 0,
        "index": index,
        "kind": SegmentKind.RARE,
        "isotope": 85,
        "pumping": True,
        "point": index,
        "bracket": False,
        "setting": Setting(detuning_set_mhz=10.0 * index, detuning_mhz=10.0 * index + 0.2),
        "start_rig_s": START_UTC_S + 100.0 * index,
        "end_rig_s": START_UTC_S + 100.0 * index + 62.0,
        "live_s": 60.0,
        "dead_s": {"switching": 1.0, "settling": 0.5},
        "counts": 40 + index,
        "efficiency": 0.95,
        "efficiency_error": 0.01,
        "exposures": 600,
    }
    return Segment(**(values | changes))


def new_run(
    data: Path,
    clock: Clock,
    number: int = 0,
    *,
    scan: str = SCAN,
    rig: str = RIG,
    taken_by: str = "",
    **changes: Any,
) -> RunWriter:
    """The run `number` in `data`, an hour after the one before, of the rig with the name
    `taken_by`. Close it, or abandon it."""
    values: dict[str, Any] = {
        "scan_name": "demo",
        "isotopes": (85,),
        "geometry": "co",
        "axes": ("detuning_mhz",),
        "metadata": {"operator": "A. Bench", "sample": "air"},
    }
    values |= changes
    utc_s = START_UTC_S + 3600.0 * number
    run_id = new_run_id(values["isotopes"], values["scan_name"], utc_s, f"{number:04x}")
    return RunWriter.create(
        data,
        RunHeader(run_id=run_id, rig=taken_by, **values),
        rig_now=clock,
        utc_now=clock,
        scan_toml=scan,
        rig_toml=rig,
    )
