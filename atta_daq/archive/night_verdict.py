"""Whether a night was good, in three lines for an operator at breakfast."""

from dataclasses import dataclass

from atta_daq.archive.night import Measurement, Night
from atta_daq.archive.report_rows import clock, duration

MOST_NAMED = 4
UNLIKELY = 1e-3
"""A fit whose data are less probable than this needs a look."""


@dataclass(frozen=True)
class Verdict:
    """The head of the report."""

    good: bool
    first: str
    """Good or not, and why not."""
    second: str
    """What was brought home."""
    third: str
    """What needs somebody now."""

    @property
    def lines(self) -> tuple[str, str, str]:
        """All three."""
        return (self.first, self.second, self.third)


def verdict(night: Night) -> Verdict:
    """Good: every measurement is complete or under way, and nothing of the queue has failed.

    Intervals without data that were taken again do not make a night bad: they cost time, no data.
    """
    wrong = _wrong(night)
    done = sum(m.complete for m in night.measurements)
    of = len(night.measurements)
    if not of and not wrong:
        first = "Nothing was measured."
    elif wrong:
        first = f"Not a good night: {_listed(wrong)}."
    elif done == of:
        first = f"A good night: {_number(of, 'measurement')} complete."
    else:
        first = f"A good night so far: {done} of {of} measurements complete, one is under way."
    return Verdict(bool(of) and not wrong, first, _brought(night), _needs(night))


def _wrong(night: Night) -> list[str]:
    found = []
    for m in night.measurements:
        state = m.chain.state.value
        if state not in ("complete", "running"):
            # What a crash left as its reason names processes, not causes.
            reason = f" ({m.reason})" if m.reason and state != "crashed" else ""
            found.append(f"{m.chain.run_id} {state}{reason}")
    found += [f"{name} cannot be read" for name in night.unreadable]
    known = {run.run_id for m in night.measurements for run in m.chain.runs}
    for entry in night.queue or ():
        # Those whose run is named above are not named twice.
        if entry.state in ("failed", "aborted") and not known.intersection(entry.runs):
            ended = entry.ended_utc_s
            if ended is None or night.since_utc_s <= ended <= night.until_utc_s:
                reason = f" ({entry.reason})" if entry.reason else ""
                found.append(
                    f"entry {entry.number} of the queue, {entry.name}, {entry.state}{reason}"
                )
    return found


def _brought(night: Night) -> str:
    counted = sum(m.counted for m in night.measurements)
    open_s = sum(m.open_s for m in night.measurements)
    run_s = sum(m.run_rig_s for m in night.measurements)
    bad = [b for m in night.measurements for b in m.bad]
    parts = []
    if open_s:
        share = f", camera open {100.0 * open_s / run_s:.0f} % of the runs' time"
        parts.append(f"{counted} atoms in {duration(open_s)} of counting{share}")
    elif run_s:
        parts.append(f"loading rates only, in {duration(run_s)}")
    else:
        parts.append("no segment was taken")
    if bad:
        lost = duration(sum(b.length_s for b in bad))
        missing = sum(not b.retaken for b in bad)
        what = "all taken again" if any(b.interval.segments for b in bad) else "nothing lost"
        if missing:
            what = f"{missing} not taken again"
        parts.append(f"{_number(len(bad), 'interval')} without data ({lost}), {what}")
    elif run_s:
        parts.append("no interval without data")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _needs(night: Night) -> str:
    found = []
    if night.queue_paused:
        found.append(f"the queue is paused ({night.queue_paused})")
    for span in night.alarms or ():
        if span.end_utc_s is None and span.severity == "major":
            found.append(f"alarm since {clock(span.begin_utc_s)} UTC: {span.text}")
    for m in night.measurements:
        found += [
            f"{m.chain.run_id} waits since {clock(b.interval.start_utc_s)} UTC: {b.interval.cause}"
            for b in m.bad
            if b.waits
        ]
        found += _fits(m)
        lost = [b for b in m.bad if not b.retaken]
        if m.complete and lost:
            found.append(
                f"{m.chain.run_id}: {_number(len(lost), 'interval')} without data not taken again"
            )
    left = sum(entry.left for entry in night.queue or ())
    text = f"Look at: {_listed(found)}." if found else "Nothing needs you."
    if left:
        text += f" {_number(left, 'entry', 'entries')} of the queue left."
    return text


def _fits(m: Measurement) -> list[str]:
    found = []
    for part in m.parts:
        where = f"{m.chain.run_id}, {part.name}"
        if part.fit is None:
            if m.complete:
                found.append(f"{where}: no fit")
        elif not part.fit.valid:
            found.append(f"{where}: the fit did not converge")
        elif part.fit.goodness.p_value < UNLIKELY and part.fit.goodness.degrees_of_freedom > 0:
            found.append(f"{where}: the fit describes the data badly")
    return found


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _listed(texts: list[str]) -> str:
    if len(texts) > MOST_NAMED:
        return "; ".join([*texts[:MOST_NAMED], f"and {len(texts) - MOST_NAMED} more"])
    return "; ".join(texts)
