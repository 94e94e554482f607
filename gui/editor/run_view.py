"""The scan of the run under way, for reading: its text, its errors so far, time to a wanted one."""

from collections.abc import Callable

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from atta_daq.analysis.results import FitResult, Parameter, in_percent
from atta_daq.client.runs import RunInfo, fits_from_json, points_from_json
from gui.context import Context
from gui.editor.fields import fit_narrow, number_of
from gui.sweep.wanted import lit_s, time_left
from gui.sweep.words import name_of, text_of
from gui.widgets.quiet import QuietComboBox

_NOTHING = "No run is under way. Its scan will stand here, and what its fit has reached."


class RunView(QWidget):
    """Nothing in it can be changed; the scan can be copied into the editor."""

    def __init__(self, context: Context, copy: Callable[[str], None]) -> None:
        super().__init__()
        self._context = context
        self._fits: dict[str, FitResult] = {}
        self._counted_s: dict[str, float] = {}
        self.title = QLabel(_NOTHING)
        self.title.setWordWrap(True)
        self.title.setProperty("role", "title")
        self.parameter = QuietComboBox()
        self.parameter.setAccessibleName("Parameter of the fit")
        fit_narrow(self.parameter)
        self.wanted = QLineEdit()
        self.wanted.setAccessibleName("Wanted error")
        self.wanted.setPlaceholderText("wanted error")
        self.wanted.setMaximumWidth(140)
        self.reached = QLabel()
        self.reached.setWordWrap(True)
        self.reached.setAccessibleName("Error so far and time to the wanted error")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("Scan of the run under way")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setMinimumHeight(120)
        self.copy = QPushButton("Copy into the editor")
        self.copy.clicked.connect(lambda: copy(self.text.toPlainText()))
        row = QHBoxLayout()
        row.addWidget(self.parameter, 1)
        row.addWidget(self.wanted)
        column = QVBoxLayout(self)
        column.addWidget(self.title)
        column.addLayout(row)
        column.addWidget(self.reached)
        column.addWidget(self.text, 1)
        column.addWidget(self.copy)
        self.parameter.activated.connect(self._tell)
        self.wanted.textEdited.connect(self._tell)

    def refresh_run(self) -> None:
        """The run's name and scan."""
        info = self._info()
        under_way = info is not None and self._context.state.run_state != "idle"
        if info is None or not under_way:
            self.title.setText(_NOTHING)
        else:
            sample = f", {info.sample}" if info.sample else ""
            self.title.setText(f"{info.run_id} ({info.name}{sample})")
        text = info.scan if info and under_way else ""
        if self.text.toPlainText() != text:
            self.text.setPlainText(text)
        for widget in (self.text, self.copy, self.parameter, self.wanted, self.reached):
            widget.setVisible(under_way)

    def refresh_fit(self) -> None:
        """What the fit has reached."""
        readings = self._context.readings
        self._fits = fits_from_json(readings.text("run:fit"))
        self._counted_s = {
            part.name: lit_s(part) for part in points_from_json(readings.text("run:points"))
        }
        known = [
            (part, parameter)
            for part, fit in self._fits.items()
            for parameter in fit.parameters
            if not parameter.fixed
        ]
        keys = [(part, parameter.name) for part, parameter in known]
        if [self.parameter.itemData(i) for i in range(self.parameter.count())] != keys:
            chosen = self.parameter.currentData()
            self.parameter.clear()
            for (part, parameter), key in zip(known, keys, strict=True):
                self.parameter.addItem(f"{part}: {name_of(parameter)}", key)
            preferred = chosen if chosen in keys else _preferred(keys)
            self.parameter.setCurrentIndex(keys.index(preferred) if preferred else -1)
        self._tell()

    def _info(self) -> RunInfo | None:
        return RunInfo.from_json(self._context.readings.text("run:info"))

    def _tell(self) -> None:
        key = self.parameter.currentData()
        if key is None:
            self.reached.setText("No fit yet: it comes with the first blocks.")
            return
        part, name = key
        parameter = in_percent(self._fits[part][name])
        words = [f"So far {part}, {text_of(parameter)}."]
        typed = self.wanted.text().strip().removesuffix("%")
        wanted = number_of(typed) if typed else None
        if isinstance(wanted, str) or (wanted is not None and wanted <= 0.0):
            words.append(f"'{self.wanted.text()}' is no error; give a number > 0.")
        elif wanted is not None:
            words.append(self._time_to(wanted, parameter, self._counted_s.get(part, 0.0)))
        self.reached.setText(" ".join(words))

    def _time_to(self, wanted: float, parameter: Parameter, counted_s: float) -> str:
        said = f"±{wanted:g} {parameter.unit}".rstrip()
        rig = self._context.readings.rig
        left = time_left(parameter.error, wanted, counted_s, rig.rate if rig else 1.0)
        return f"{said}: {left}."


def _preferred(keys: list[tuple[str, str]]) -> tuple[str, str] | None:
    """The increase, which most scans are made for."""
    leading = (key for key in keys if "amplitude" in key[1] or "increase" in key[1])
    return next(leading, keys[0] if keys else None)
