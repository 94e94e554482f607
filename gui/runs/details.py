"""Everything about one run, in words."""

from html import escape
from typing import Any

from PySide6.QtWidgets import QTextBrowser

from atta_daq.analysis.results import FitResult
from atta_daq.client.runs import RunInfo
from gui.runs.model import RunLine
from gui.sweep.words import goodness_text, name_of, notes_text, value_text


class RunDetails(QTextBrowser):
    """What the list says of the chosen run at once, and what its data say when they have come."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Details of the chosen run")
        self.setOpenLinks(False)
        self.setTabChangesFocus(True)
        self.show_nothing()

    def show_nothing(self) -> None:
        """No run is chosen."""
        self.setHtml("<p>Choose a run to see its fit and its notes.</p>")

    def show_line(self, line: RunLine, remark: str = "") -> None:
        """What the list knows."""
        facts = {
            "Isotopes": line.isotope_names, "Started": line.started,
            "Duration": line.lasted, "Geometry": line.geometry,
            "Sample": line.sample, "Note": line.note,
        }  # fmt: skip
        self.setHtml(_head(line.name, line.run_id, line.state) + _table(facts) + _paragraph(remark))

    def show_data(self, line: RunLine, data: dict[str, Any]) -> None:
        """All of it: the answer of `run_data`."""
        info = RunInfo.from_dict(data["info"])
        facts = {
            "Outcome": info.outcome, "Isotopes": line.isotope_names, "Started": line.started,
            "Duration": line.lasted, "Geometry": info.geometry,
            "Operator": info.operator, "Sample": info.sample, "Note": info.note,
        }  # fmt: skip
        html = _head(info.name, info.run_id, info.state) + _table(facts)
        for name, fit in data["fits"].items():
            html += _fit(name, FitResult.from_dict(fit))
        if not data["fits"]:
            html += _paragraph("No fit: too few points were taken.")
        html += "".join(f"<p>Note: {escape(note)}</p>" for note in info.notes)
        self.setHtml(html)


def _head(name: str, run_id: str, state: str) -> str:
    return f"<p><b>{escape(name)}</b><br>{escape(run_id)} &mdash; {escape(state)}</p>"


def _table(facts: dict[str, str]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>"
        for name, text in facts.items()
        if text
    )
    return f"<table>{rows}</table>"


def _fit(name: str, fit: FitResult) -> str:
    facts = {name_of(p): value_text(p) for p in (*fit.parameters, *fit.derived)}
    html = f"<p><b>{escape(name)}</b>: {escape(fit.model)}</p>{_table(facts)}"
    html += _paragraph(goodness_text(fit.goodness))
    if not fit.valid:
        html += _paragraph(f"The fit is not valid: {fit.message}")
    return html + _paragraph(notes_text(fit))


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""
