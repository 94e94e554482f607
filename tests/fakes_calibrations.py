"""The table of calibrations and the guards of the amplifier, as a station tells them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from atta_daq.client.names import CALIBRATION_COLUMNS

_NUMBERS: tuple[tuple[str, float, float, str, str, float, float, str, str], ...] = (
    # name, value, error, unit, text, made (days ago), valid for (days), source, renewed by
    ("axis zero", 0.4012, 0.0001, "", "0.40120 ± 0.00010", 0.02, 1.0, "axis-zero-", "axis-zero"),
    ("free spectral range", 3001.2, 1.4, "MHz", "3001.2 ± 1.4 MHz", 12.0, 90.0, "cavity-",
     "cavity"),
    ("cavity sign", 1.0, 0.0, "", "+1", 12.0, 90.0, "cavity-", "cavity"),
    ("threshold current", 803.0, 4.0, "mA", "803 ± 4 mA", 3.0, 30.0, "fibre-power-",
     "fibre-power"),
    ("power slope", 0.2938, 0.0012, "mW/mA", "0.2938 ± 0.0012 mW/mA", 3.0, 30.0, "fibre-power-",
     "fibre-power"),
    ("EOM half-wave voltage", 4.02, 0.03, "V", "4.02 ± 0.03 V", 40.0, 90.0, "sideband-depth-",
     "sideband-depth"),
    ("read noise", 44.1, 0.4, "e-", "44.1 ± 0.4 e-", 20.0, 90.0, "camera-", "camera"),
    ("Rabi scale", 3.68, 0.11, "", "3.68 ± 0.11", 300.0, 365.0, "rig file", ""),
)  # fmt: skip


def calibration_table(now_s: float, stale: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """Columns of `calibrations:table` at a time (UTC); those named in `stale` are out of date, and
    the dwell was never measured."""
    now = datetime.fromtimestamp(now_s, UTC)
    rows: list[dict[str, object]] = []
    for name, value, error, unit, text, age, valid, source, kind in _NUMBERS:
        old = age + valid if name in stale else age
        made = now - timedelta(days=old)
        until = made + timedelta(days=valid)
        rows.append({
            "name": name, "value": value, "error": error, "unit": unit, "text": text,
            "made": _iso(made), "valid_until": _iso(until),
            "source": f"{source}{made:%Y%m%d-%H%M%S}-a1b2" if kind else source,
            "state": f"stale: not valid since {until:%Y-%m-%d}" if name in stale else "valid",
            "renewed_by": kind,
        })  # fmt: skip
    rows.append({
        "name": "trap dwell", "value": 0.0, "error": 0.0, "unit": "", "text": "not measured",
        "made": "", "valid_until": "", "source": "", "state": "not measured",
        "renewed_by": "dwell",
    })  # fmt: skip
    return {name: [row[name] for row in rows] for name, _kind in CALIBRATION_COLUMNS}


def guards(*, armed: bool = True) -> dict[str, Any]:
    """The answer of `protection`; `armed` is the box's own limit."""
    return {"guards": [
        {"fault": "a dangerous order or level is asked for", "by": "this driver's envelope",
         "state": "seed first, amplifier last; above 300 mA only with 10 mW of seed read within "
         "1 s; ramp 50 mA each 20 ms, at most 2500 mA", "armed": True, "remedy": ""},
        {"fault": "the seed dies by itself", "by": "the box's seed limits",
         "state": "amplifier off below 10 mW of seed" if armed else "the limit is switched off",
         "armed": armed, "remedy": "" if armed else "switch the seed limit on at the box"},
        {"fault": "stale reading, read-back mismatch, slow seed decay", "by": "station's watchdog",
         "state": "longest time between two looks 112 ms; has not fired", "armed": True,
         "remedy": "see why the amplifier does not answer"},
    ]}  # fmt: skip


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
