"""Which calibrations hold: the newest of what was measured and what stands in the rig file.

The newest by its date is used, whatever its source; how old it may get decides on the alarm, not
on its use: a number that has gone stale is still better than an older one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from atta_daq.analysis.drift_spectrum import BRACKET_NOISE, SOURCE_DRIFT, SOURCE_WALK
from atta_daq.calibration.axis import SLAVE_OVER_MASTER, AxisCalibration
from atta_daq.calibration.dated import Calibrated
from atta_daq.calibration.result import CalibrationResult
from atta_daq.rig.calibrations import Calibrations

RIG_FILE = "rig file"
NOT_MEASURED = "not measured"
VALID = "valid"
RATIO_SIGN = "ratio_sign"
"""Key of the number that is +1 or -1."""
RF_FREQUENCY = "frequency_mhz"
"""Note of a sideband depth: at which RF it was measured (MHz)."""
LEAST_WALK_PER_ROOT_H = 1e-4
"""No source is taken for steadier than this, whatever an hour of it has shown."""


@dataclass(frozen=True)
class Entry:
    """One calibrated number as it is in use."""

    name: str
    """In words: 'free spectral range'."""
    key: str
    """As a result calls it: 'fsr_mhz'."""
    number: Calibrated | None
    """None: never measured, and nothing depends on it."""
    renewed_by: str
    """Kind of the calibration that measures it anew; empty: an analysis does."""
    note: str = ""
    """What belongs to the number: 'at 900 MHz'."""

    def state(self, now: datetime) -> str:
        """'valid', 'not measured', or 'stale: ' with the reason."""
        if self.number is None:
            return NOT_MEASURED
        why = self.number.stale(now)
        return f"stale: {why}" if why else VALID


@dataclass(frozen=True)
class InUse:
    """All calibrations of a rig at one moment."""

    values: Calibrations
    """In the shape of the rig file, measured values in the place of its own."""
    axis: AxisCalibration
    entries: tuple[Entry, ...]

    def __getitem__(self, name: str) -> Entry:
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise KeyError(name)

    def with_axis(self, axis: AxisCalibration) -> "InUse":
        """With the axis that a run has zeroed."""
        entries = tuple(
            replace(entry, number=axis.zero) if entry.key == "zero_ratio" else entry
            for entry in self.entries
        )
        return replace(self, axis=axis, entries=entries)


@dataclass(frozen=True)
class _Row:
    name: str
    key: str
    kinds: tuple[str, ...]
    """Whose results hold it; the first renews it."""


_ROWS = (
    _Row("axis zero", "zero_ratio", ("axis-zero", "cavity")),
    _Row("free spectral range", "fsr_mhz", ("cavity",)),
    _Row("cavity sign", RATIO_SIGN, ("cavity",)),
    _Row("cavity order", "order", ("cavity",)),
    _Row("threshold current", "threshold_ma", ("fibre-power",)),
    _Row("power slope", "slope_mw_per_ma", ("fibre-power",)),
    _Row("monitor ratio", "monitor_ratio", ("fibre-power",)),
    _Row("EOM half-wave voltage", "v_pi_v", ("sideband-depth",)),
    _Row("EM gain over set gain", "em_gain_scale", ("camera",)),
    _Row("read noise", "read_noise_electrons", ("camera",)),
    _Row("conversion", "electrons_per_adu", ("camera",)),
    _Row("bias", "bias_adu", ("camera",)),
    _Row("trap dwell", "dwell_s", ("dwell",)),
    _Row("light of an atom", "electrons_per_atom_s", ("dwell",)),
    _Row(SOURCE_WALK, "walk_per_root_h", ("source-drift",)),
    _Row(SOURCE_DRIFT, "drift_per_h", ("source-drift",)),
    _Row(BRACKET_NOISE, "excess_noise", ("source-drift",)),
)


def in_use(
    rig_file: Calibrations, results: Sequence[CalibrationResult], highest_current_ma: float
) -> InUse:
    """The calibrations that hold, of results that are not retired, in any order.

    The amplifier's highest current bounds the full power that a new slope allows.
    """
    fallback = _of_rig_file(rig_file)
    entries = []
    for row in _ROWS:
        found = [fallback[row.key]] if row.key in fallback else []
        found += [
            result.calibrated(row.key)
            for result in results
            if result.kind in row.kinds and any(q.name == row.key for q in result.quantities)
        ]
        newest = max(found, key=_age, default=None)
        entries.append(Entry(row.name, row.key, newest, row.kinds[0]))
    entries += [
        Entry(name, "", fallback[name], "")
        for name in ("Doppler shift, even", "Doppler shift, odd", "Rabi scale")
    ]
    numbers = {entry.key: entry.number for entry in entries if entry.number is not None}
    rf_mhz = _rf_mhz(rig_file, results, numbers["v_pi_v"])
    if rf_mhz is not None:
        at = f"at {rf_mhz:g} MHz"
        entries = [replace(e, note=at) if e.key == "v_pi_v" else e for e in entries]
    values = _values(rig_file, numbers, rf_mhz, highest_current_ma)
    return InUse(values, _axis(numbers), tuple(entries))


def _rf_mhz(
    rig_file: Calibrations, results: Sequence[CalibrationResult], v_pi: Calibrated
) -> float | None:
    """RF at which the half-wave voltage in use was measured; None: nobody has said."""
    if v_pi.source == RIG_FILE:
        return rig_file.eom.frequency_mhz
    noted = next((r.notes.get(RF_FREQUENCY) for r in results if r.id == v_pi.source), None)
    return noted if isinstance(noted, float) else None


def _age(number: Calibrated) -> datetime:
    return number.made or datetime.min.replace(tzinfo=UTC)


def _of_rig_file(cal: Calibrations) -> dict[str, Calibrated]:
    cavity, fibre, eom = cal.cavity, cal.fibre_power, cal.eom
    per_ratio = cavity.fsr_mhz * SLAVE_OVER_MASTER

    def dated(table: Any, value: float, error: float, unit: str = "") -> Calibrated:
        return Calibrated(
            value=value, error=error, unit=unit, made=table.made_utc, valid_days=table.valid_days,
            source=RIG_FILE,
        )  # fmt: skip

    slope_error = fibre.slope_mw_per_ma * fibre.relative_error
    doppler, pumping = cal.doppler, cal.pumping
    source = cal.source
    of_source = {
        "walk_per_root_h": dated(
            source, source.walk_per_root_h, source.walk_error_per_root_h, "1/sqrt(h)"
        ),
        "drift_per_h": dated(source, source.drift_per_h, 0.0, "1/h"),
        "excess_noise": dated(source, source.excess_noise, 0.0),
    }
    return {
        # What is typical was never measured: it can neither be used up nor grow stale.
        **(of_source if source.made is not None else {}),
        "zero_ratio": dated(cavity, cavity.zero_ratio, cavity.zero_error_mhz / per_ratio),
        "fsr_mhz": dated(cavity, cavity.fsr_mhz, cavity.fsr_error_mhz, "MHz"),
        "ratio_sign": dated(cavity, cavity.ratio_sign, 0.0),
        "order": dated(cavity, cavity.order, 0.0),
        "threshold_ma": dated(
            fibre, fibre.threshold_ma, fibre.relative_error * fibre.threshold_ma, "mA"
        ),
        "slope_mw_per_ma": dated(fibre, fibre.slope_mw_per_ma, slope_error, "mW/mA"),
        "monitor_ratio": dated(
            fibre, fibre.monitor_ratio, fibre.monitor_ratio * fibre.relative_error
        ),
        "v_pi_v": dated(eom, eom.v_pi_v, eom.v_pi_error_v, "V"),
        "Doppler shift, even": dated(doppler, doppler.even_mhz, doppler.even_error_mhz, "MHz"),
        "Doppler shift, odd": dated(doppler, doppler.odd_mhz, doppler.odd_error_mhz, "MHz"),
        "Rabi scale": dated(pumping, pumping.rabi_scale, pumping.rabi_scale_error),
    }


def _axis(numbers: dict[str, Calibrated]) -> AxisCalibration:
    return AxisCalibration(
        fsr=numbers["fsr_mhz"],
        sign=1 if numbers["ratio_sign"].value > 0.0 else -1,
        zero=numbers["zero_ratio"],
        order=round(numbers["order"].value),
    )


def _values(
    cal: Calibrations,
    numbers: dict[str, Calibrated],
    rf_mhz: float | None,
    highest_current_ma: float,
) -> Calibrations:
    axis = _axis(numbers)
    slope, threshold = numbers["slope_mw_per_ma"], numbers["threshold_ma"]
    reach_mw = (highest_current_ma - threshold.value) * slope.value
    cavity = cal.cavity.model_copy(
        update={
            "fsr_mhz": axis.fsr.value,
            "fsr_error_mhz": axis.fsr.error,
            "ratio_sign": axis.sign,
            "zero_ratio": axis.zero.value,
            "zero_error_mhz": axis.zero.error * abs(axis.mhz_per_ratio),
            "order": axis.order,
            "made": axis.fsr.made,
            "valid_days": axis.fsr.valid_days,
        }
    )
    fibre = cal.fibre_power.model_copy(
        update={
            "threshold_ma": threshold.value,
            "slope_mw_per_ma": slope.value,
            "relative_error": slope.relative_error,
            "full_power_mw": min(cal.fibre_power.full_power_mw, reach_mw),
            "monitor_ratio": numbers["monitor_ratio"].value,
            "made": slope.made,
            "valid_days": slope.valid_days,
        }
    )
    v_pi = numbers["v_pi_v"]
    eom = cal.eom.model_copy(
        update={
            "v_pi_v": v_pi.value,
            "v_pi_error_v": v_pi.error,
            "frequency_mhz": rf_mhz,
            "made": v_pi.made,
            "valid_days": v_pi.valid_days,
        }
    )
    source = cal.source
    walk = numbers.get("walk_per_root_h")
    if walk is not None:
        source = source.model_copy(
            update={
                "walk_per_root_h": max(walk.value, LEAST_WALK_PER_ROOT_H),
                "walk_error_per_root_h": walk.error,
                "drift_per_h": numbers["drift_per_h"].value,
                "excess_noise": numbers["excess_noise"].value,
                "made": walk.made,
                "valid_days": walk.valid_days,
            }
        )
    return cal.model_copy(
        update={"cavity": cavity, "fibre_power": fibre, "eom": eom, "source": source}
    )
