"""The morning report: one HTML file over all measurements of a night."""

import base64
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atta_daq import __version__
from atta_daq.archive import report_rows as rows
from atta_daq.archive.disk import write_whole
from atta_daq.archive.history_records import Past
from atta_daq.archive.night import Measurement, Night
from atta_daq.archive.night_verdict import verdict
from atta_daq.archive.plot_history import plot_history
from atta_daq.archive.plot_night import night_plot
from atta_daq.archive.plot_scan import scan_plot
from atta_daq.archive.plot_time import order_plot
from atta_daq.archive.report import line_position, template

FOLDER = "nights"


def build_night_report(night: Night, data: Path, history: Past | None = None) -> Path:
    """Write DATA/nights/YYYY-MM-DD.html (UTC date of the end), of one rig YYYY-MM-DD-RIG.html; the
    night's second report replaces its first. `history`: readings to draw against time; None leaves
    the section out."""
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    date = datetime.fromtimestamp(night.until_utc_s, UTC).strftime("%Y-%m-%d")
    html = template("night.html.j2").render(night_content(night, history))
    name = f"{date}-{night.rig}.html" if night.rig else f"{date}.html"
    return write_whole(folder / name, html)


def night_content(night: Night, history: Past | None) -> dict[str, Any]:
    """Everything that the template shows."""
    open_s = sum(m.open_s for m in night.measurements)
    run_s = sum(m.run_rig_s for m in night.measurements)
    length_s = night.until_utc_s - night.since_utc_s
    busy_s = sum(
        max(0.0, min(t.end_utc_s, night.until_utc_s) - max(t.begin_utc_s, night.since_utc_s))
        for m in night.measurements
        for t in m.taken
    )
    return {
        "night": night,
        "verdict": verdict(night),
        "glance": night_plot(night),
        "measurements": [_measurement(m) for m in night.measurements],
        "open_share": open_s / run_s if run_s else None,
        "busy_share": min(1.0, busy_s / length_s),
        "length_s": length_s,
        "bad": sorted(
            ((m, b) for m in night.measurements for b in m.bad),
            key=lambda pair: pair[1].interval.start_utc_s,
        ),
        "readings": None if history is None or not history.columns else _drawn(history),
        "version": __version__,
    }


def _measurement(m: Measurement) -> dict[str, Any]:
    return {
        "m": m,
        "state": m.chain.state.value,
        "runs": [run.run_id for run in m.chain.runs],
        "length_s": m.end_utc_s - m.begin_utc_s,
        "bad_s": sum(b.length_s for b in m.bad),
        "open_share": m.open_s / m.run_rig_s if m.run_rig_s and m.open_s else None,
        "parts": [
            {
                "name": part.name,
                "plot": scan_plot(part, line_position(m.chain, part)) or order_plot(m.chain, part),
                "fit": part.fit,
                "parameters": [
                    rows.parameter_row(p, "" if part.data.poisson else part.data.unit)
                    for p in ((*part.fit.parameters, *part.fit.derived) if part.fit else ())
                    if not p.fixed
                ],
                "goodness": rows.goodness_text(part.fit.goodness) if part.fit else "",
            }
            for part in m.parts
        ],
    }


def _drawn(history: Past) -> str:
    """The readings' panels as a data URI."""
    with tempfile.TemporaryDirectory() as folder:
        drawn = plot_history(history, Path(folder) / "readings.svg").read_bytes()
    return "data:image/svg+xml;base64," + base64.b64encode(drawn).decode("ascii")
