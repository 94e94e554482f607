"""The station's calibrations: which hold, the table that clients see, alarms for stale ones."""

import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from atta_daq import __version__
from atta_daq.analysis.results import pdg_round
from atta_daq.archive.calibration_store import CalibrationStore
from atta_daq.calibration.dated import Calibrated
from atta_daq.calibration.result import CalibrationResult
from atta_daq.rig.bench import Finding
from atta_daq.rig.calibrations_in_use import NOT_MEASURED, RATIO_SIGN, VALID, Entry, InUse, in_use
from atta_daq.rig.config import RigConfig
from atta_daq.station.alarms import Cause

Rows = list[dict[str, object]]


class CalibrationKeeper:
    """Methods may be called from any thread."""

    def __init__(
        self,
        config: RigConfig,
        store: CalibrationStore,
        utc_now: Callable[[], float],
        apply: Callable[[InUse], None] = lambda _calibrations: None,
    ) -> None:
        """`apply` hears of every change of what holds. Raises JournalDamaged."""
        self._config = config
        self.store = store
        self._utc_now = utc_now
        self.apply = apply
        self._mutex = threading.Lock()
        self.in_use = self._read()

    def keep(self, kind: str, finding: Finding) -> CalibrationResult:
        """Store what was measured just now and use it. Raises OSError, WriteFailed."""
        made = self._now()
        result = CalibrationResult(
            id=f"{kind}-{made:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
            kind=kind,
            made=made,
            valid_days=finding.valid_days,
            quantities=finding.quantities,
            covariance=finding.full_covariance,
            method=finding.method,
            rig=self._config.name,
            program=f"atta-daq {__version__}",
            notes=dict(finding.notes),
        )
        with self._mutex:
            self.store.keep(result, finding.raw)
        self._refresh()
        return result

    def retire(self, result_id: str, who: str, reason: str) -> None:
        """Use a result no more. Raises KeyError for one that is not there or already retired."""
        with self._mutex:
            self.store.retire(result_id, who, reason)
        self._refresh()

    def results(self) -> list[dict[str, object]]:
        """All that were ever measured, newest first, each with who retired it, or ''."""
        gone = self.store.retirements()
        found = []
        for result in reversed(self.store.results(retired=True)):
            end = gone.get(result.id)
            retired = "" if end is None else f"{end.who}: {end.reason}"
            found.append({**result.to_dict(), "retired": retired})
        return found

    def rows(self) -> Rows:
        """Of `calibrations:table`."""
        now = self._now()
        return [entry_row(entry, now) for entry in self.in_use.entries]

    def causes(self, read: Callable[[str], Any] = lambda _name: None) -> Iterable[Cause]:
        """An alarm for each kind of calibration that has gone stale, and for sidebands set where
        the half-wave voltage is not known. `read` gives a reading, None for a stale one."""
        now = self._now()
        stale: dict[str, list[str]] = {}
        for entry in self.in_use.entries:
            if entry.state(now) not in (VALID, NOT_MEASURED):
                stale.setdefault(entry.renewed_by, []).append(_stale_text(entry, now))
        for kind, texts in stale.items():
            renew = f"; renew with: atta-daq calibrate {kind}" if kind else "; measure a spectrum"
            yield Cause(
                f"calibration:{kind or 'spectra'}", "calibrations",
                "stale: " + ", ".join(texts) + renew, "minor",
            )  # fmt: skip
        if doubt := self.in_use.values.eom.doubt(_sidebands_by_hand_mhz(read)):
            yield Cause(
                "calibration:frequency", "calibrations", f"EOM half-wave voltage: {doubt}", "minor"
            )

    def _refresh(self) -> None:
        self.in_use = self._read()
        self.apply(self.in_use)

    def _read(self) -> InUse:
        chip = self._config.amplifier.amplifier_current_ma
        found = in_use(self._config.calibrations, self.store.results(), chip.high)
        total = self._config.lock.counts_orders
        return replace(found, axis=found.axis.model_copy(update={"total": total}))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._utc_now(), UTC)


def entry_row(entry: Entry, now: datetime) -> dict[str, object]:
    """A calibrated number as a row of `calibrations:table`."""
    number = entry.number
    if number is None:
        return {"name": entry.name, "text": NOT_MEASURED, "state": NOT_MEASURED,
                "renewed_by": entry.renewed_by, "unit": "", "made": "", "valid_until": "",
                "source": ""}  # fmt: skip
    until = number.expires
    text = f"{number.value:+g}" if entry.key == RATIO_SIGN else number_text(number)
    return {
        "name": entry.name,
        "value": number.value,
        "error": number.error,
        "unit": number.unit,
        "text": " ".join(filter(None, (text, entry.note))),
        "made": _iso(number.made),
        "valid_until": _iso(until),
        "source": number.source,
        "state": entry.state(now),
        "renewed_by": entry.renewed_by,
    }


def number_text(number: Calibrated) -> str:
    """'3001.2 ± 1.4 MHz', rounded by the PDG rule; an exact one without an error."""
    unit = f" {number.unit}" if number.unit else ""
    if number.error == 0.0:
        return f"{number.value:g}{unit}"
    value, error = pdg_round(number.value, number.error)
    return f"{value} ± {error}{unit}"


def _sidebands_by_hand_mhz(read: Callable[[str], Any]) -> list[float]:
    """Frequency of the sidebands that are on; a run tells of its own, and a calibration measures
    there."""
    calibrating = str(read("station:activity") or "").startswith("calibration ")
    by_hand = read("run:state") in (None, "", "idle") and not calibrating
    frequency_mhz = read("sideband:frequency")
    return [frequency_mhz] if by_hand and read("sideband:on") and frequency_mhz else []


def _stale_text(entry: Entry, now: datetime) -> str:
    until = entry.number.expires if entry.number is not None else None
    since = "its date is unknown" if until is None else f"since {until:%Y-%m-%d %H:%M} UTC"
    return f"{entry.name} ({since})"


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
