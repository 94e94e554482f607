"""Slow control: pressures, RF power, temperatures and other locks, each with its alarm."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from atta_daq.client.slow import SlowSeverity, SlowValue, slow_from_json
from gui.context import Context
from gui.model.slow_values import NAME, number_text
from gui.panels.scrolled import ScrolledPanel
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.words import set_role, show_stale, words
from gui.words import sentence, true_minus

_TONES: dict[SlowSeverity, Tone] = {
    "ok": Tone.OK, "minor": Tone.WARNING, "major": Tone.DANGER, "invalid": Tone.STALE,
}  # fmt: skip
_WORDS: dict[SlowSeverity, str] = {
    "ok": "ok", "minor": "warning", "major": "ALARM", "invalid": "no reading",
}  # fmt: skip
_COUNTED: dict[SlowSeverity, str] = {**_WORDS, "invalid": "without reading"}
WORST_FIRST: tuple[SlowSeverity, ...] = ("major", "invalid", "minor")
"""An alarm that is known to be true comes before a value that may hide one, and that before a
warning."""


class SlowPanel(ScrolledPanel):
    """One block a value, in the order of the rig file; the worst state stands on top."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.worst = Badge(context.theme, "Values")
        self.remark = words()
        self.head.addWidget(self.worst)
        self.head.addWidget(self.remark)
        self.rows: dict[str, _Row] = {}
        self._grid = QGridLayout()
        self._grid.setColumnStretch(0, 1)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        self.body.addLayout(self._grid)
        self.body.addStretch(1)
        self.follow(self._show, NAME)

    def _show(self) -> None:
        value = self.context.readings.value(NAME)
        values = slow_from_json(self.context.readings.text(NAME))
        self._lay_out([one.name for one in values])
        for one in values:
            self.rows[one.name].show_value(one, stale=value.stale)
        if value.stale:
            self.worst.show_state("unknown", Tone.STALE, value.message)
        elif not values:
            self.worst.show_state("none", Tone.OFF)
        else:
            told: list[str] = [one.severity for one in values]
            wrong: list[SlowSeverity] = [s for s in WORST_FIRST if s in told]
            counts = (_counted(told.count(severity), severity) for severity in wrong)
            worst: SlowSeverity = wrong[0] if wrong else "ok"
            self.worst.show_state(", ".join(counts) or "all ok", _TONES[worst])
        none = "" if values else "The rig file names no slow control."
        remark = sentence(value.message) if value.stale else none
        self.remark.setText(remark)
        self.remark.setVisible(bool(remark))

    def _lay_out(self, names: list[str]) -> None:
        """One row a name; those of another rig go."""
        if names == list(self.rows):
            return
        for row in self.rows.values():
            for part in row.parts:
                self._grid.removeWidget(part)
                part.hide()
                part.deleteLater()
        self.rows = {name: _Row(self.context) for name in names}
        for number, row in enumerate(self.rows.values()):
            first = 3 * number
            top = Qt.AlignmentFlag.AlignTop
            self._grid.addWidget(row.meaning, first, 0, top)
            self._grid.addWidget(row.value, first, 1, top | Qt.AlignmentFlag.AlignRight)
            # Below the meaning: beside it the panel would widen its column of the window.
            self._grid.addWidget(row.state, first + 1, 0, 1, 2, Qt.AlignmentFlag.AlignLeft)
            self._grid.addWidget(row.reason, first + 2, 0, 1, 2)


class _Row:
    """What a value is, how large, how it stands, and why."""

    def __init__(self, context: Context) -> None:
        self.meaning = words(role="")
        # On the line of its value, not between that and the state below.
        self.meaning.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.value = QLabel()
        for part in (self.meaning, self.value):
            part.setContentsMargins(0, 4, 0, 0)  # sets off what belongs together
        self.state = Badge(context.theme, "")
        self.reason = words()
        self.parts: tuple[QWidget, ...] = (self.meaning, self.value, self.state, self.reason)

    def show_value(self, one: SlowValue, *, stale: bool) -> None:
        severity: SlowSeverity = "invalid" if stale else one.severity
        self.meaning.setText(one.meaning[:1].upper() + one.meaning[1:])
        self.meaning.setToolTip(f"{one.name}: {limits_text(one)}")
        self.value.setText(value_text(one))
        self.value.setAccessibleName(f"{one.meaning}: {value_text(one)}")
        show_stale(self.value, severity == "invalid")
        word = "unknown" if stale else _WORDS[severity]
        self.state.show_state(word, _TONES[severity], true_minus(one.reason))
        reason = "" if stale or severity == "ok" else true_minus(one.reason)
        if reason and one.suspends and severity in ("major", "invalid"):
            reason += "; it suspends a run"
        self.reason.setText(sentence(reason))
        set_role(self.reason, "wrong" if severity == "major" else "muted")
        self.reason.setVisible(bool(reason))


def _counted(count: int, severity: SlowSeverity) -> str:
    """'2 × warning', '1 without reading'."""
    return f"{count} {'' if severity == 'invalid' else '× '}{_COUNTED[severity]}"


def value_text(one: SlowValue) -> str:
    """'2.31e-06 mbar', '38.2 W'; a dash while there is none."""
    return number_text(one.value, one.unit)


def limits_text(one: SlowValue) -> str:
    """'warning below 35 W; alarm above 45 W', or that there are no limits."""
    said: list[str] = []
    form: Callable[[float], str] = lambda limit: f"{limit:g} {one.unit}".rstrip()  # noqa: E731
    for word, side, limit in (
        ("alarm", "below", one.low_major), ("warning", "below", one.low_minor),
        ("warning", "above", one.high_minor), ("alarm", "above", one.high_major),
    ):  # fmt: skip
        if limit is not None:
            said.append(f"{word} {side} {form(limit)}")
    return true_minus("; ".join(said)) or "no limits in the rig file"
