"""The scan editor: a form and a text of one scan, and what the station says of it."""

import math
from datetime import datetime
from itertools import pairwise
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QFontDatabase, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QFrame,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QSizePolicy,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gui.context import Context
from gui.editor import aiming
from gui.editor.adaptive_form import AdaptiveForm
from gui.editor.document import ScanDocument
from gui.editor.fields import Field
from gui.editor.forecast_table import ForecastTable
from gui.editor.forecast_words import headline, leading_errors
from gui.editor.general_form import GeneralForm, RareForm
from gui.editor.new_scan import new_scan
from gui.editor.part_form import PartForm
from gui.editor.parts_list import PartsList
from gui.editor.problem import Problem, names_only
from gui.editor.run_view import RunView
from gui.editor.scan_files import ScanFiles
from gui.editor.station_check import StationCheck
from gui.model.state import activity_words
from gui.panel import Panel
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.short_button import short_button
from gui.widgets.wrapping import WrappingRow

_WIDE_EM = 45
"""From this width, in widths of an 'm', the form stands in two columns."""
_CLOCK_MS = 20_000
"""The finishing time is told anew so often."""
_PREVIEW = "editor.preview"
DRAFT_BACK = "The scan that was not saved when the window was closed is back in the editor"


class EditorPanel(Panel):
    """Binds scan.* and run.start; is the service 'editor'."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.document = ScanDocument(lambda: context.readings.rig, self)
        self.files = ScanFiles(context, self.document, self)
        self.check = StationCheck(context, self.document, self)
        self._starting = False
        self._first_wrong: Field | None = None
        # Not at once: the field has grown by its message.
        self._scroll_timer = QTimer(self)
        self._scroll_timer.setSingleShot(True)
        self._scroll_timer.setInterval(0)
        self._scroll_timer.timeout.connect(self._scroll_to_wrong)
        self._make_parts()
        self._lay_out()
        context.services["editor"] = self
        context.actions.bind("scan.new", self.files.new)
        context.actions.bind("scan.open", self.files.open)
        context.actions.bind("scan.save", self.files.save)
        context.actions.bind("scan.check", self._check_now)
        context.actions.bind("run.start", self.start)
        context.actions.condition("run.start", self.why_not_start)
        context.actions.caution("run.start", self.what_start_ends)
        self.document.changed.connect(self._show_document)
        self.check.changed.connect(self._show_check)
        self.always(self._rig_changed, "station:rig")
        self.follow(self._run_changed, "run:info", "run:state")
        self.follow(self._show_summary, "run:remaining")
        self.follow(self.run_view.refresh_fit, "run:fit", "run:points")
        self._clock = QTimer(self)
        self._clock.setInterval(_CLOCK_MS)
        self._clock.timeout.connect(self._show_summary)
        self._clock.start()
        self.files.replace(new_scan(context.readings.rig))
        self._first = self.document.text
        if self.files.bring_draft():
            # Once there is a window to tell it in.
            QTimer.singleShot(0, self, lambda: context.notices.info(DRAFT_BACK))

    # --- asked by others -----------------------------------------------------------------

    def load(self, toml_text: str) -> None:
        """Put a scan into the editor; an unsaved one is kept aside."""
        self.files.replace(toml_text)

    def centre_on(self, isotope: int, detuning_mhz: float) -> bool:
        """Centre the scan of an isotope at a detuning as set, keeping span and points. Whether it
        was done; what was in the way is told."""
        if self._closed_form():
            return False
        number = aiming.centre_on(self.document, self.parts.current, isotope, detuning_mhz)
        self.parts.choose(number)
        return True

    def set_range(self, start_mhz: float, stop_mhz: float) -> bool:
        """Sweep the detuning of the chosen part over a range, as set. Whether it was done; what
        was in the way is told."""
        if self._closed_form():
            return False
        number = aiming.set_range(self.document, self.parts.current, start_mhz, stop_mhz)
        if number is None:
            self.context.notices.warn("no part of the scan sweeps the detuning: choose one first")
            return False
        self.parts.choose(number)
        return True

    # --- actions -------------------------------------------------------------------------

    def start(self) -> None:
        """Send the scan as it stands."""
        if reason := self.why_not_start():
            self.context.notices.warn(f"not started: {reason}")
            return
        self._starting = True
        self.context.actions.refresh()
        name = self.files.path.name if self.files.path else "scan"
        if ends := self.what_start_ends():
            self.context.notices.warn(f"starting the scan: {ends}")
        self.context.command(
            "run", done=self._started, refused=self._not_started, timeout_s=60.0,
            scan=self.document.text, path=name,
        )  # fmt: skip

    def what_start_ends(self) -> str:
        """What the rig does now and would stop doing; '' for nothing."""
        activity = self.context.state.activity
        return f"it ends what the rig does now: {activity_words(activity)}" if activity else ""

    def why_not_start(self) -> str:
        """Why the scan cannot be started; '' when it can."""
        if self.document.problems:
            return f"the scan is not valid: {self._said(self.document.problems[0])}"
        if self.check.problems:
            return f"the station refuses the scan: {self.check.problems[0]}"
        return "the scan is being started" if self._starting else ""

    def _started(self, answer: dict[str, Any]) -> None:
        self._starting = False
        self.context.actions.refresh()
        self.context.notices.info(f"run {answer['run']} has begun")

    def _not_started(self, reason: str) -> None:
        self._starting = False
        self.context.actions.refresh()
        self.context.notices.error(reason)

    def _check_now(self) -> None:
        if self.document.problems:
            first = self._said(self.document.problems[0])
            self.context.notices.warn(f"the scan is not valid: {first}")
        else:
            self.check.ask()

    def _closed_form(self) -> bool:
        if self.document.table is None:
            self.context.notices.warn("the scan's text is not TOML: mend it in the editor first")
            return True
        return False

    # --- building ------------------------------------------------------------------------

    def _make_parts(self) -> None:
        context, document = self.context, self.document
        rig = lambda: context.readings.rig  # noqa: E731
        self.badge = Badge(context.theme, "")
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setAccessibleName("Forecast of the scan")
        self.general = GeneralForm(document, rig)
        self.adaptive = AdaptiveForm(document)
        self.rare = RareForm(document)
        self.parts = PartsList(document, context.theme)
        self.part = PartForm(document, rig)
        self.parts.chosen.connect(self.part.show_part)
        self.text = QPlainTextEdit()
        self.text.setAccessibleName("Scan as TOML")
        self.text.setTabChangesFocus(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.textChanged.connect(lambda: document.load(self.text.toPlainText()))
        self.wrong = QLabel()
        self.wrong.setProperty("role", "wrong")
        self.wrong.setWordWrap(True)
        self.wrong.setAccessibleName("What is wrong with the text")
        self.forecast = ForecastTable(self.check)
        self.run_view = RunView(context, self.load)
        self.preview = QCheckBox("Theory in the plot")
        self.preview.setAccessibleName("Theory in the plot")
        self.preview.setToolTip("Draw what the model expects of this scan before the data")
        self.preview.setChecked(bool(context.settings.get(_PREVIEW, True)))
        self.check.preview = self.preview.isChecked()
        self.preview.clicked.connect(self._switch_preview)

    def _lay_out(self) -> None:
        head = WrappingRow()
        head.add(
            self.context.actions.button("run.start", self),
            short_button(self.context, "queue.add", "Add to queue"),
            self.context.actions.button("scan.check", self),
            self.files.menu_button(),
            self.preview,
            self.badge,
        )
        # Layouts of one widget, not widgets: what changes sides keeps its turn for the keyboard.
        self._columns = left, right = QVBoxLayout(), QVBoxLayout()
        for column, widgets in (
            (left, (self.parts,)),
            (right, (self.part, self.general, self.adaptive, self.rare)),
        ):
            column.setSpacing(4)
            for widget in widgets:
                column.addWidget(widget)
            column.addStretch(1)
        self._sides = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._sides.setSpacing(10)
        self._sides.addLayout(left)
        self._sides.addLayout(right, 1)
        self.form = QWidget()
        self.form.setLayout(self._sides)
        text_tab = QWidget()
        text_column = QVBoxLayout(text_tab)
        text_column.addWidget(self.text, 1)
        text_column.addWidget(self.wrong)
        self.tabs = QTabWidget()
        self.form_area = _scrolled(self.form)
        self.tabs.addTab(self.form_area, "Form")
        self.tabs.addTab(text_tab, "TOML")
        self.tabs.addTab(self.forecast, "Forecast")
        self.tabs.addTab(_scrolled(self.run_view), "Under way")
        self.tabs.setAccessibleName("Scan editor")
        self.tabs.tabBar().setAccessibleName("Form, text, forecast and run under way")
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(4)
        column.addWidget(head)
        column.addWidget(self.summary)
        column.addWidget(self.tabs, 1)
        self.summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() > _WIDE_EM * self.fontMetrics().horizontalAdvance("m")
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._sides.direction() != direction:
            self._sides.setDirection(direction)
            # What is measured comes first, beside or above what is kept with it.
            left, right = self._columns
            (left if wide else right).insertWidget(1, self.general)
            self._sides.setStretch(0, int(wide))

    # --- showing -------------------------------------------------------------------------

    def _show_document(self) -> None:
        document = self.document
        if self.text.toPlainText() != document.text:
            with QSignalBlocker(self.text):
                self.text.setPlainText(document.text)
        self.form.setEnabled(document.table is not None)
        if document.table is not None:
            self.general.refresh()
            self.parts.refresh()
            self.part.show_part(self.parts.current)
            self.adaptive.refresh()
            self.rare.refresh()
        self.wrong.setText("\n".join(map(str, document.problems)))
        self.wrong.setVisible(bool(document.problems))
        self._show_check()
        self.context.actions.refresh()

        self._show_first_wrong()

    def _show_first_wrong(self) -> None:
        """Scroll to the first wrong field when it is another one than before."""
        field = next((f for f in self._fields() if f.wrong.text()), None)
        if field is not self._first_wrong:
            self._first_wrong = field
            if field is not None:
                self._scroll_timer.start()

    def _scroll_to_wrong(self) -> None:
        if self._first_wrong is not None:
            self.form_area.ensureWidgetVisible(self._first_wrong)

    def _fields(self) -> list[Field]:
        return self.form.findChildren(Field)

    def _said(self, problem: Problem) -> str:
        """A problem by the label of its field, with what is allowed; else by the file's key."""
        keys = names_only(problem.place)
        field = next((f for f in self._fields() if names_only(f.place) == keys), None)
        if field is None:
            return str(problem)
        lists = {"part": "part", "axis": "sweep"}
        words = [
            f"{lists[name]} {number + 1}"
            for name, number in pairwise(problem.place)
            if name in lists and isinstance(number, int)
        ]
        return f"{', '.join([*words, field.label.text()])}: {problem.short}"

    def _show_check(self) -> None:
        self._show_summary()
        self.forecast.refresh()
        self.context.actions.refresh()

    def _show_summary(self) -> None:
        word, tone, text = self._verdict()
        self.badge.show_state(word, tone)
        role = "wrong" if tone is Tone.DANGER else ""
        if self.summary.property("role") != role:
            self.summary.setProperty("role", role)
            self.summary.style().unpolish(self.summary)
            self.summary.style().polish(self.summary)
        if self.summary.text() != text:
            self.summary.setText(text)

    def _verdict(self) -> tuple[str, Tone, str]:
        """How the scan stands: a word, its tone, and what the station says of it."""
        document, check, state = self.document, self.check, self.context.state
        rig = self.context.readings.rig
        if document.problems:
            more = len(document.problems) - 1
            first = self._said(document.problems[0])
            return "wrong", Tone.DANGER, first + (f" (and {more} more)" if more else "")
        if not state.connected:
            return "not checked", Tone.STALE, f"No forecast: {state.link.reason}."
        if check.problems:
            return "refused", Tone.DANGER, "; ".join(check.problems)
        if check.refusal:
            return "not checked", Tone.WARNING, check.refusal
        if check.answer is None or rig is None:
            return "checking", Tone.BUSY, "The station is asked how long it takes."
        left_s = None
        if state.run_state != "idle":
            left_s = self.context.readings.number("run:remaining")
            left_s = left_s if math.isfinite(left_s) else 0.0
        text = headline(check.answer, rig.rate, datetime.now(), left_s)
        lines = [text, leading_errors(check.answer), *check.warnings]
        tone = Tone.WARNING if check.warnings else Tone.OK
        return "scan ok", tone, "\n".join(filter(None, lines))

    def _rig_changed(self) -> None:
        """Limits and geometry are the rig's: everything is looked at again."""
        if self.document.text == self._first:  # nobody has touched it: begin with this rig's
            self.files.replace(new_scan(self.context.readings.rig))
            self._first = self.document.text
        if self.document.table is not None:
            self.document.check()
        self.check.again()

    def _run_changed(self) -> None:
        self.run_view.refresh_run()
        # Without a station nobody knows whether the run still goes on.
        under_way = self.context.state.under_way
        self.tabs.setTabText(3, "Under way ◆" if under_way else "Under way")
        self._show_summary()

    def _switch_preview(self, on: bool) -> None:
        self.context.settings.set(_PREVIEW, on)
        self.check.preview = on
        if on and self.document.valid:
            self.check.ask_theory()


def _scrolled(inside: QWidget) -> QScrollArea:
    """Up and down only. It takes no focus of its own: tabs go from field to field."""
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    scroll.setWidget(inside)
    return scroll
