"""The trap: which isotope its lasers trap, and what the interlock allows."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gui.context import Context
from gui.model.trap_place import INPUTS as PLACE
from gui.model.trap_place import unplaced
from gui.panel import Panel
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.fact import Fact
from gui.widgets.flow import FlowLayout
from gui.words import true_minus

ABUNDANT = (83, 84)
INTERLOCK = "Gain stays off on 83Kr and 84Kr"
EXPLAINED = (
    "83Kr and 84Kr are 1e10 times more abundant than the counted atoms: their light at gain would "
    "damage the camera"
)
OFF_EVERY_LINE = "the lasers stand where no krypton is trapped"


class IsotopeButton(QPushButton):
    """Carries out a trap action; it is down when the rig says so, not when it was clicked."""

    def __init__(self, context: Context, action_id: str, text: str) -> None:
        super().__init__(text)
        self._text = text
        self._action = context.actions[action_id]
        self.setObjectName(action_id)
        self.setCheckable(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(20)
        self._action.changed.connect(self._follow_action)
        self.clicked.connect(self._click)
        self._theme = context.theme
        self._theme.changed.connect(self._restyle)
        self._restyle()
        self._follow_action()
        self.show_active(False)

    def show_active(self, active: bool) -> None:
        """The trap is here, or is not."""
        self.setChecked(active)
        self.setText(f"● {self._text}" if active else self._text)
        self.setAccessibleName(f"{self._action.text()}{', active' if active else ''}")

    def _click(self) -> None:
        self.setChecked(not self.isChecked())
        self._action.trigger()

    def _restyle(self) -> None:
        self.setStyleSheet(f"font-size: {round(1.3 * self._theme.size_pt)}pt; padding: 2px;")
        self.setMinimumHeight(round(2.8 * self._theme.size_pt))

    def _follow_action(self) -> None:
        self.setEnabled(self._action.isEnabled())
        self.setToolTip(self._action.toolTip())


class TrapPanel(Panel):
    """Five places for the trap lasers, and what they do there."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.buttons = {
            mass: IsotopeButton(context, f"trap.{mass or 'blank'}",
                                f"{mass}Kr" if mass else "Blank: off every line")
            for mass in (81, 83, 84, 85, 0)
        }  # fmt: skip
        self.place = Badge(context.theme, "Trap")
        self.locked = Badge(context.theme, "Trap lasers")
        self.light = Badge(context.theme, "Trap light")
        self.gain = Badge(context.theme, "Gain")
        self.offset = Fact("Offset from 84Kr")
        self.interlock = QLabel(INTERLOCK)
        self.interlock.setToolTip(EXPLAINED)
        self.interlock.setWordWrap(True)
        self.interlock.setProperty("role", "muted")
        self._build()
        self.follow(self._show_place, *PLACE, "camera:gain")
        self.follow(self._show_lasers, "trap:locked", "trap:light", "trap:offset")

    def _build(self) -> None:
        grid = QGridLayout()
        grid.setSpacing(4)
        for index, mass in enumerate((81, 83, 84, 85)):
            grid.addWidget(self.buttons[mass], index // 2, index % 2)
        grid.addWidget(self.buttons[0], 2, 0, 1, 2)
        states = FlowLayout(spacing_px=8)
        for widget in (self.place, self.gain, self.locked, self.light, self.offset):
            states.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(6)
        column.addLayout(grid, 1)
        column.addLayout(states)
        column.addWidget(self.interlock)

    def minimumSizeHint(self) -> QSize:
        """As high as its badges need at the present width: a dock asks for nothing else."""
        hint, layout = super().minimumSizeHint(), self.layout()
        if layout is not None and layout.hasHeightForWidth():
            width = max(self.width(), hint.width())
            hint.setHeight(max(hint.height(), layout.minimumHeightForWidth(width)))
        return hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def _show_place(self) -> None:
        readings = self.context.readings
        value = readings.value("trap:isotope")
        known = value.value in self.buttons and not value.stale
        for mass, button in self.buttons.items():
            button.show_active(known and value.value == mass)
        if nowhere := unplaced(readings):
            self.place.show_state(*nowhere)
        elif value.value == 0:
            self.place.show_state("blank", Tone.OFF, OFF_EVERY_LINE)
        else:
            self.place.show_state(f"on {value.value}Kr", Tone.OK)
        self._show_gain(value.value if known else None)

    def _show_gain(self, mass: int | None) -> None:
        gain = self.context.readings.value("camera:gain")
        if gain.stale:
            self.gain.show_state("unknown", Tone.STALE, gain.message)
        elif gain.value and mass in ABUNDANT:
            self.gain.show_state(f"{gain.value} on {mass}Kr", Tone.DANGER, EXPLAINED)
        elif gain.value:
            self.gain.show_state(f"{gain.value}", Tone.OK)
        elif mass in ABUNDANT:
            self.gain.show_state("held off", Tone.OFF, EXPLAINED)
        else:
            self.gain.show_state("off", Tone.OFF)

    def _show_lasers(self) -> None:
        readings = self.context.readings
        for badge, name, on, off in (
            (self.locked, "trap:locked", ("locked", Tone.OK), ("not locked", Tone.WARNING)),
            (self.light, "trap:light", ("on", Tone.OK), ("off", Tone.OFF)),
        ):
            value = readings.value(name)
            word, tone = on if value.value else off
            if value.stale:
                word, tone = "unknown", Tone.STALE
            badge.show_state(word, tone, value.message)
        offset = readings.number("trap:offset")
        self.offset.say(
            true_minus(f"{offset:.1f} MHz") if offset == offset else "–",
            stale=readings.value("trap:offset").stale,
            why="of the trap lasers from the master laser on the 84Kr line",
        )
