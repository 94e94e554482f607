"""The main window: status strip, sweep in the middle, panels as docks around it, menus."""

import base64

from PySide6.QtCore import QByteArray, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QToolBar, QVBoxLayout, QWidget

from gui.actions.commands import bind_commands
from gui.actions.registry import Actions
from gui.actions.spec import ActionSpec
from gui.actions.table import ACTIONS
from gui.confirm import Question, confirm
from gui.context import Context
from gui.docks import Docks
from gui.first_start import NoStation
from gui.link.station import Link, LinkState
from gui.model.readings import Readings
from gui.model.state import RigState
from gui.notices import Notices
from gui.panel import PanelSpec
from gui.panels.table import LEFT, PANELS, RIGHT
from gui.settings import Settings
from gui.shell import Shell
from gui.status_strip import StatusStrip
from gui.sweep.view import SweepView
from gui.tab_marks import TabMarks
from gui.theme.theme import Theme

MENUS = (
    "Rig", "Run", "Light", "Trap", "Calibrate", "Sweep", "Scan", "Queue", "Runs", "Presets", "Log",
    "View", "Help",
)  # fmt: skip
LAYOUT_VERSION = 4
FIRST_SIZE = (1400, 850)


class Window(QMainWindow):
    """One window on one station."""

    closed = Signal()

    def __init__(
        self, link: Link, settings: Settings, theme: Theme, wanted: str = "", *,
        simulated: bool = False,
    ) -> None:  # fmt: skip
        """`wanted` says which station was asked for; empty when any will do. `simulated` is what
        the program knows that has started both."""
        super().__init__()
        self._wanted = wanted
        self._sure = False
        """Nothing has to be asked before it is closed."""
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("atta-daq")
        self.setDockNestingEnabled(True)
        readings = Readings()
        state = RigState(link, readings, wanted)
        panels = tuple(
            ActionSpec(f"view.panel_{spec.id}", f"{spec.title} panel", "View", (),
                       f"Show the {spec.title} panel and put the keyboard there")
            for spec in PANELS
        )  # fmt: skip
        actions = Actions((*ACTIONS, *panels), state, self)
        self.context = Context(link, readings, state, actions, theme, settings, Notices())
        self.context.services["window"] = self
        self.context.simulated_by.append(lambda: simulated)
        link.values.connect(readings.deliver)
        link.state_changed.connect(self._on_link)
        readings.watch_with(
            actions, actions.refresh,
            "run:state", "run:suspended", "station:activity", "station:control",
        )  # fmt: skip
        bind_commands(self.context)
        self.docks: dict[str, QDockWidget] = {}
        self._build()
        theme.dress(self)
        self._titles = Docks(self, self.docks, actions)
        self._marks = TabMarks(self.context, self.docks, self)
        for spec in panels:
            actions.bind(spec.id, lambda spec=spec: self.show_panel(spec.id[len("view.panel_") :]))
        actions.bind("view.reset", self.reset_layout)
        actions.bind("window.close", self.close)
        self._menus()
        self._arrange()
        self.resize(*FIRST_SIZE)
        self._first_layout = self.saveState(LAYOUT_VERSION)
        self.shell = Shell(self.context, self)
        self._titles.arranged.connect(self.shell.toasts.lift)
        self._restore()
        self._on_link()
        # Problems of the start are told once there is a window to tell them in.
        QTimer.singleShot(0, self._tell_settings)

    # --- building ------------------------------------------------------------------------

    def _build(self) -> None:
        self.strip = StatusStrip(self.context)
        bar = QToolBar("Status")
        bar.setObjectName("status")
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.toggleViewAction().setEnabled(False)
        bar.addWidget(self.strip)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, bar)
        self._central()
        # The columns reach down to the bottom edge: at 850 pixels their panels need the height.
        for corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.TopLeftCorner):
            self.setCorner(corner, LEFT)
        for corner in (Qt.Corner.BottomRightCorner, Qt.Corner.TopRightCorner):
            self.setCorner(corner, RIGHT)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for spec in PANELS:
            self._dock(spec)
            # At once: side by side they would need more width than a window has.
            if spec.tab_with:
                self.tabifyDockWidget(self.docks[spec.tab_with], self.docks[spec.id])
        for spec in PANELS:
            self.docks[spec.id].setVisible(spec.shown)
        for spec in PANELS:
            if not spec.tab_with:
                self.docks[spec.id].raise_()

    def _arrange(self) -> None:
        """Sizes at first, for 1400 x 850; Qt scales them with the window."""
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        docks = self.docks
        self.resizeDocks([docks["amplifier"], docks["camera"]], [300, 320], horizontal)
        self.resizeDocks([docks["editor"]], [250], vertical)
        self.resizeDocks([docks["amplifier"], docks["lock"]], [400, 370], vertical)
        self.resizeDocks([docks["camera"], docks["trap"]], [470, 300], vertical)

    def _central(self) -> None:
        self.sweep = SweepView(self.context)
        self.sweep.setObjectName("sweep")
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(NoStation(self.context, self._wanted))
        column.addWidget(self.sweep, 1)
        self.setCentralWidget(middle)

    def _dock(self, spec: PanelSpec) -> None:
        dock = QDockWidget(spec.title, self)
        dock.setObjectName(spec.id)
        dock.setWidget(spec.make(self.context))
        self.addDockWidget(spec.area, dock)
        self.docks[spec.id] = dock

    def _menus(self) -> None:
        for title in MENUS:
            menu = self.menuBar().addMenu(title)
            menu.setToolTipsVisible(True)
            for spec in self.context.actions.specs.values():
                if spec.menu == title:
                    menu.addAction(self.context.actions[spec.id])
        # Keys work whether the menu bar is shown or not.
        self.addActions([self.context.actions[spec_id] for spec_id in self.context.actions.specs])

    # --- layout --------------------------------------------------------------------------

    def show_panel(self, panel_id: str) -> None:
        """Bring a panel to the front and give it the keyboard."""
        dock = self.docks[panel_id]
        dock.show()
        dock.raise_()
        inside = dock.widget()
        inside.setFocus(Qt.FocusReason.ShortcutFocusReason)
        inside.focusNextChild()

    def show_source(self, source: str) -> None:
        """Show the panel of an instrument ('jump to the device')."""
        for spec in PANELS:
            if source.startswith(spec.sources):
                self.show_panel(spec.id)
                return
        self.context.notices.warn(f"No panel shows '{source}': read its alarm in the log")

    def reset_layout(self) -> None:
        """All panels where they were at first."""
        self.restoreState(self._first_layout, LAYOUT_VERSION)
        for spec in PANELS:
            self.docks[spec.id].setVisible(spec.shown)

    def layout_text(self) -> str:
        """The present layout, for the settings."""
        return base64.b64encode(bytes(self.saveState(LAYOUT_VERSION).data())).decode()

    def restore_layout(self, text: str) -> bool:
        """Lay the panels out as `layout_text` said; False when it is of another version."""
        try:
            state = QByteArray(base64.b64decode(text, validate=True))
        except ValueError:
            return False
        return self.restoreState(state, LAYOUT_VERSION)

    def _restore(self) -> None:
        settings = self.context.settings
        if geometry := settings.get("geometry"):
            self.restoreGeometry(QByteArray(base64.b64decode(geometry)))
        if layout := settings.get("layout"):
            self.restore_layout(layout)

    def close_at_once(self) -> None:
        """Close without a question: whoever ends the program waits for no answer."""
        self._sure = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        context = self.context
        if not self._sure and context.simulated and context.state.under_way:
            event.ignore()
            question = Question(
                "Close and end the simulated rig?",
                f"Run {context.readings.text('run:id')} is under way on it and ends with it. What "
                "it has taken is kept.",
                "Close", "Stay",
            )  # fmt: skip
            confirm(context, question, self.close_at_once, self)
            return
        context.services["editor"].files.keep_draft()
        settings = self.context.settings
        settings.set("geometry", base64.b64encode(bytes(self.saveGeometry().data())).decode())
        settings.set("layout", self.layout_text())
        self.context.closed = True
        self.hide()
        # Ends a simulated rig that this window has started; that may take some seconds.
        self.shell.close()
        super().closeEvent(event)
        self.closed.emit()

    # --- link ----------------------------------------------------------------------------

    def _on_link(self) -> None:
        link = self.context.link
        if link.state is not LinkState.CONNECTED:
            self.context.readings.age(link.reason)
        self.context.actions.refresh()
        rig = link.endpoint.rig if link.endpoint else ""
        self.setWindowTitle(f"atta-daq: {rig}" if rig else "atta-daq: no station")

    def _tell_settings(self) -> None:
        settings, warn = self.context.settings, self.context.notices.warn
        if settings.problem:
            warn(settings.problem)
        settings.tell = warn
