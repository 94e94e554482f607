"""The five-minute tour: a panel beside the work that tells and points."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.context import Context
from gui.log.toasts import TOUR
from gui.theme.palettes import Tone
from gui.tour_steps import STEPS, Step
from gui.widgets.badge import Badge
from gui.widgets.highlight import Highlight


class Tour(QDockWidget):
    """Steps with next, back and close. Binds `help.tour`, which opens it and begins anew.

    A step that asks for something shows when it has been done; nothing waits for it.
    """

    def __init__(
        self, context: Context, window: QMainWindow, steps: tuple[Step, ...] = STEPS
    ) -> None:
        super().__init__("Five-minute tour", window)
        self._context = context
        self._window = window
        self._steps = steps
        self._at = 0
        self._done: set[int] = set()
        self.setObjectName(TOUR)
        self.highlight = Highlight(context.theme, window)
        self._build()
        self.hide()
        context.readings.updated.connect(self._look)
        context.link.state_changed.connect(self._look)
        context.actions.triggered.connect(self._on_action)
        context.actions.bind("help.tour", self.begin)

    def _build(self) -> None:
        self.number = QLabel()
        self.number.setProperty("role", "muted")
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.text, self.task = QLabel(), QLabel()
        for label in (self.title, self.text, self.task):
            label.setWordWrap(True)
        self.badge = Badge(self._context.theme, "")
        self.back_button = QPushButton("Back")
        self.next_button = QPushButton("Next")
        close = QPushButton("Close")
        self.back_button.clicked.connect(lambda: self.go(self._at - 1))
        self.next_button.clicked.connect(lambda: self.go(self._at + 1))
        close.clicked.connect(self.close)
        row = QHBoxLayout()
        for button in (self.back_button, self.next_button, close):
            row.addWidget(button)
        inside = QWidget()
        box = QVBoxLayout(inside)
        for widget in (self.number, self.title, self.text, self.task, self.badge):
            box.addWidget(widget)
        box.addLayout(row)
        box.addStretch(1)
        inside.setMinimumWidth(24 * self.fontMetrics().horizontalAdvance("m"))
        self.setWidget(inside)

    @property
    def step(self) -> Step:
        """The step that is shown."""
        return self._steps[self._at]

    def begin(self) -> None:
        """Show the panel, at its first step."""
        self._done.clear()
        # Only while it is open is it one of the window's docks: no saved layout brings it back.
        if self._window.dockWidgetArea(self) is Qt.DockWidgetArea.NoDockWidgetArea:
            self._window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self)
            width = self.widget().minimumWidth()
            self._window.resizeDocks([self], [width], Qt.Orientation.Horizontal)
        self.show()
        self.raise_()
        self.go(0)

    def go(self, number: int) -> None:
        """Show a step; beyond the last one the tour closes."""
        if number >= len(self._steps):
            self.close()
            return
        self._at = max(0, number)
        step = self.step
        self.number.setText(f"Step {self._at + 1} of {len(self._steps)}")
        self.title.setText(step.title)
        self.text.setText(step.text)
        self.task.setText(step.task)
        self.task.setVisible(bool(step.task))
        self.widget().setAccessibleName(f"{step.title}. {step.text} {step.task}")
        self.back_button.setEnabled(self._at > 0)
        self.next_button.setText("Next" if self._at + 1 < len(self._steps) else "Finish")
        self.next_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self.highlight.point_at(self._find(step.target))
        self._look()
        self._show_done()
        self._fit()

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.highlight.point_at(None)
        self._window.removeDockWidget(self)

    def _fit(self) -> None:
        """As high as the step's words need: the panels beside it give way."""
        inside = self.widget()
        layout = inside.layout()
        if layout is not None:
            layout.activate()
            inside.setMinimumHeight(max(0, layout.totalHeightForWidth(inside.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _find(self, target: str) -> QWidget | None:
        """The widget of a step; a panel that is hidden or behind another one comes up."""
        if not target:
            return None
        found = self._window.findChild(QWidget, target)
        dock = found
        while dock is not None and not isinstance(dock, QDockWidget):
            dock = dock.parentWidget()
        if dock is not None:
            dock.show()
            dock.raise_()
        return found

    def _look(self) -> None:
        """See whether the rig shows that the step has been done."""
        if self.isHidden() or self._at in self._done:
            return
        done = self.step.done
        if done is not None and done(self._context):
            self._done.add(self._at)
            self._show_done()

    def _on_action(self, action_id: str) -> None:
        if not self.isHidden() and action_id == self.step.action:
            self._done.add(self._at)
            self._show_done()

    def _show_done(self) -> None:
        step, done = self.step, self._at in self._done
        self.badge.setVisible(bool(step.done or step.action))
        self.badge.show_state("done" if done else "not done yet", Tone.OK if done else Tone.OFF)
