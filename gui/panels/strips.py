"""Strip charts: the last minutes or hours of the readings that the operator chose."""

from functools import partial

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QLabel,
    QMenu,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from atta_daq.client.names import READINGS, slow_name
from atta_daq.client.pv import Reading
from atta_daq.client.slow import slow_from_json
from gui.context import Context
from gui.link.station import LinkState
from gui.link.values import Value
from gui.model import slow_values
from gui.model.history import Ring
from gui.panel import Panel
from gui.panels.strip import Strip
from gui.panels.time_scale import TimeScale
from gui.widgets.flow import FlowLayout

SPANS_S = {"5 min": 300.0, "30 min": 1800.0, "2 h": 7200.0}
SAMPLE_HZ = 5.0
"""The beat of the station's clock, at which every chosen reading is sampled."""
LONGEST_S = max(SPANS_S.values())
CAPACITY = round(SAMPLE_HZ * LONGEST_S)
FIRST_CHOICE = ("lock:rms", "amplifier:output_power", "loading:meter")
BEAT = "station:rig_time"
SLOW = slow_name("")
_SOURCES = {"slow": "slow control", "power_meter": "power meter"}
"""Words of the menu where the name of the readings is none."""
OFFERED = {
    reading.name: reading
    for reading in READINGS
    if reading.kind in ("double", "int", "bool") and reading.name != BEAT
}
"""Of every rig; the values of slow control come with the rig. A yes is drawn as 1, a no as 0."""


class StripsPanel(Panel):
    """Samples are kept at the station's beat, also while the panel is hidden."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._rings: dict[str, Ring] = {}
        self.strips: dict[str, Strip] = {}
        self._span_s = float(context.settings.get("strips_span_s") or SPANS_S["5 min"])
        self._turn = 0
        self._was_connected = context.state.connected
        self.empty = QLabel("No reading chosen: add some with 'Readings'.")
        self.empty.setWordWrap(True)
        self.empty.setProperty("role", "muted")
        self.offered = dict(OFFERED)
        self._missing: list[str] = []
        """Chosen, but not offered by the rig that is there now (or not yet)."""
        self._submenus: dict[str, QMenu] = {}
        self.choices = self._make_menu()
        self.time = TimeScale(context)
        self._build()
        chosen = context.settings.get("strips")
        wanted = chosen if isinstance(chosen, list) else list(FIRST_CHOICE)
        self._missing = [name for name in wanted if str(name).startswith(SLOW)]
        for name in wanted:
            if name in self.offered:
                self.add(name)
        context.link.state_changed.connect(self._on_link)
        self.always(self._offer_slow, slow_values.NAME)
        self._offer_slow()
        self.always(self._sample, BEAT)
        self.follow(self._on_beat, BEAT)

    @property
    def span_s(self) -> float:
        """Length of the common time axis."""
        return self._span_s

    def add(self, name: str) -> None:
        """Add the strip of a reading; its past comes from the station."""
        if name in self.strips:
            return
        self._rings[name] = Ring(CAPACITY)
        reading = self.offered[name]
        words = partial(_slow_words, reading.unit) if name.startswith(SLOW) else None
        strip = Strip(self.context, reading, words)
        strip.removed.connect(self.remove)
        self.strips[name] = strip
        self._column.addWidget(strip)
        self._changed()
        self._ask_past([name])

    def remove(self, name: str) -> None:
        """Take a strip away, and forget its samples."""
        strip = self.strips.pop(name, None)
        if strip is None:
            return
        del self._rings[name]
        self._column.removeWidget(strip)
        strip.deleteLater()
        self._changed()

    def choose_span(self, span_s: float) -> None:
        """Set the length of the time axis."""
        self._span_s = float(span_s)
        self.context.settings.set("strips_span_s", self._span_s)
        self._redraw()

    # --- building ------------------------------------------------------------------------

    def _build(self) -> None:
        bar = FlowLayout()
        choose = QToolButton()
        choose.setText("Readings")
        choose.setAccessibleName("Choose the readings to draw")
        choose.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        choose.setMenu(self.choices)
        choose.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        bar.addWidget(choose)
        # Methods, not lambdas: those would keep a closed panel alive.
        group = QButtonGroup(self)
        group.idClicked.connect(self.choose_span)
        for text, span_s in SPANS_S.items():
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setChecked(span_s == self._span_s)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setAccessibleName(f"Show the last {text}")
            group.addButton(button, round(span_s))
            bar.addWidget(button)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(4)
        column.addLayout(bar)
        column.addWidget(self.empty)
        column.addWidget(scroll, 1)
        column.addWidget(self.time)
        self._scroll = scroll

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        for reading in self.offered.values():
            self._offer(menu, reading)
        menu.triggered.connect(self._on_choice)
        return menu

    def _offer(self, menu: QMenu, reading: Reading) -> None:
        source = reading.name.partition(":")[0]
        if source not in self._submenus:
            self._submenus[source] = menu.addMenu(_SOURCES.get(source, source))
        action = self._submenus[source].addAction(reading.meaning)
        action.setObjectName(reading.name)
        action.setCheckable(True)

    def _offer_slow(self) -> None:
        """The slow control of the rig that is there: what is new is offered, what was chosen and
        missing is drawn."""
        for one in slow_from_json(self.context.readings.text(slow_values.NAME)):
            name = slow_name(one.name)
            if name in self.offered:
                continue
            self.offered[name] = Reading(name, "double", one.unit, one.meaning)
            self._offer(self.choices, self.offered[name])
            if name in self._missing:
                self._missing.remove(name)
                self.add(name)

    def _on_choice(self, action: QAction) -> None:
        (self.add if action.isChecked() else self.remove)(action.objectName())

    def _changed(self) -> None:
        """The choice has changed: menu, settings, the time axis."""
        for submenu in self.choices.findChildren(QMenu):
            for action in submenu.actions():
                action.setChecked(action.objectName() in self.strips)
        self.context.settings.set("strips", [*self.strips, *self._missing])
        self.empty.setVisible(not self.strips)
        self.time.setVisible(bool(self.strips))
        self._redraw()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._redraw()

    # --- samples -------------------------------------------------------------------------

    def _sample(self) -> None:
        """The station sends only what changes: its beat makes even samples of all readings."""
        beat = self.context.readings.value(BEAT)
        for name, ring in self._rings.items():
            value = self.context.readings.value(name)
            if beat.stale or value.stale or not isinstance(value.value, int | float):
                ring.gap()
            else:
                ring.add(beat.utc_s, float(value.value))

    def _on_link(self) -> None:
        connected = self.context.link.state is LinkState.CONNECTED
        if connected and not self._was_connected:
            self._ask_past(list(self.strips))
        self._was_connected = connected

    def _ask_past(self, names: list[str]) -> None:
        if not names or not self.context.state.connected:
            return

        def fill(answer: dict[str, dict[str, list[float | None]]]) -> None:
            for name, past in answer.items():
                if name in self._rings and len(past["utc_s"]):
                    self._rings[name].fill(_floats(past["utc_s"]), _floats(past["value"]))
            self._redraw()

        # Refused: the strips begin now; that is no news for the operator, and they show it.
        self.context.command(
            "history", done=fill, refused=lambda _reason: None,
            names=",".join(names), seconds=LONGEST_S,
        )  # fmt: skip

    # --- drawing -------------------------------------------------------------------------

    def _redraw(self) -> None:
        """Draw every strip, when it can be seen."""
        if self.isVisible():
            self._draw(list(self.strips))

    def _on_beat(self) -> None:
        """New values in all strips, a new curve in one: many strips must not hold the window up,
        and a curve of minutes does not change in a second."""
        for name, strip in self.strips.items():
            strip.show_latest(self.context.readings.value(name))
        if self.strips:
            self._turn = (self._turn + 1) % len(self.strips)
            self._draw([list(self.strips)[self._turn]])

    def _draw(self, names: list[str]) -> None:
        end_s = self.context.readings.value(BEAT).utc_s
        self.time.show_span(end_s, self._span_s, self._scroll.viewport().width())
        for name in names:
            self.strips[name].show_latest(self.context.readings.value(name))
            self.strips[name].draw(self._rings[name], end_s, self._span_s)


def _slow_words(unit: str, value: Value) -> str:
    return slow_values.number_text(value.value, unit)


def _floats(values: list[float | None]) -> np.ndarray:
    """Null stands for a reading that was lost."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)
