"""Docks: a tab is title enough; float and hide by keyboard, or from the tab's own menu."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QMenu, QTabBar, QWidget

from gui.actions.registry import Actions


class Docks(QObject):
    """Title bars only where no tab names the panel; binds `view.float` and `view.hide`."""

    arranged = Signal()
    """Panels came up or moved: what lies over the window has to come up again."""

    def __init__(
        self, window: QMainWindow, docks: Mapping[str, QDockWidget], actions: Actions
    ) -> None:
        super().__init__(window)
        self._window = window
        self._docks = docks
        self._actions = actions
        self._last: QDockWidget | None = None
        self._bars: set[QTabBar] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.fit_titles)
        for dock in docks.values():
            dock.topLevelChanged.connect(self._timer.start)
            dock.visibilityChanged.connect(self._timer.start)
            dock.dockLocationChanged.connect(self._timer.start)
        actions.bind("view.float", self.float)
        actions.bind("view.hide", self.hide)
        actions.condition("view.float", self._why_not)
        actions.condition("view.hide", self._why_not)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus)

    @property
    def current(self) -> QDockWidget | None:
        """The dock that has or last had the keyboard, while it can be seen."""
        return self._last if self._last is not None and self._last.isVisible() else None

    def float(self) -> None:
        """The panel with the keyboard becomes a window of its own, or goes back into this one."""
        if dock := self.current:
            dock.setFloating(not dock.isFloating())

    def hide(self) -> None:
        """Put the panel with the keyboard away; its command in the menu View brings it back."""
        if dock := self.current:
            dock.hide()

    def fit_titles(self) -> None:
        """Take the title bar off every dock that stands under a tab, and give it to the others."""
        for dock in self._docks.values():
            shown = [mate for mate in self._window.tabifiedDockWidgets(dock) if _is_open(mate)]
            bare = bool(shown) and not dock.isFloating()
            if bare != (dock.titleBarWidget() is not None):
                old = dock.titleBarWidget()
                dock.setTitleBarWidget(_NoTitle() if bare else None)  # type: ignore[arg-type]
                if old is not None:
                    old.deleteLater()
        self._watch_bars()
        self.arranged.emit()

    def _watch_bars(self) -> None:
        """Qt makes the tab bars as they are needed, and keeps them for the next need."""
        bars = self._window.findChildren(
            QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly
        )  # fmt: skip
        for bar in bars:
            # Half a title names no panel: where they do not all fit, the bar scrolls. Each time:
            # the chosen title is bold, and Qt keeps the widths that it had with the one before.
            bar.setElideMode(Qt.TextElideMode.ElideNone)
            if bar not in self._bars:
                self._bars.add(bar)
                bar.setUsesScrollButtons(True)
                bar.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
                bar.customContextMenuRequested.connect(
                    lambda place, bar=bar: self._offer(bar, place)
                )
                bar.tabBarDoubleClicked.connect(lambda index, bar=bar: self._tear_off(bar, index))
                bar.destroyed.connect(lambda _=None, bar=bar: self._bars.discard(bar))

    def _dock_of(self, bar: QTabBar, index: int) -> QDockWidget | None:
        title = bar.tabText(index) if index >= 0 else ""
        return next((dock for dock in self._docks.values() if dock.windowTitle() == title), None)

    def _offer(self, bar: QTabBar, place: QPoint) -> None:
        if (dock := self._dock_of(bar, bar.tabAt(place))) is None:
            return
        dock.raise_()
        self._choose(dock)
        menu = QMenu(bar)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action_id in ("view.float", "view.hide", "view.reset"):
            menu.addAction(self._actions[action_id])
        menu.popup(bar.mapToGlobal(place))

    def _tear_off(self, bar: QTabBar, index: int) -> None:
        if dock := self._dock_of(bar, index):
            dock.setFloating(True)

    def _on_focus(self, _old: QWidget | None, new: QWidget | None) -> None:
        for dock in self._docks.values():
            if new is not None and dock.isAncestorOf(new):
                self._choose(dock)

    def _choose(self, dock: QDockWidget) -> None:
        if dock is not self._last:
            self._last = dock
            self._actions.refresh()

    def _why_not(self) -> str:
        return "" if self._last is not None else "no panel has had the keyboard yet"


class _NoTitle(QWidget):
    """What a dock shows instead of its title: nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(0)


def _is_open(dock: QDockWidget) -> bool:
    return dock.toggleViewAction().isChecked() and not dock.isFloating()
