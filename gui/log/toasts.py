"""Notices as toasts in the lower right of the window, or lower left when a field is edited there.

They take no focus, cover only themselves, and go by themselves. All of them are in the log too.
"""

import re
from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)
from shiboken6 import isValid

from gui.notices import Notice, Notices
from gui.theme.palettes import Tone
from gui.theme.theme import Theme
from gui.widgets.badge import Badge

MOST = 4
TOUR = "tour"
"""Name of the tour's dock."""
SHOWN_MS: Mapping[Tone, int] = {Tone.OK: 5_000, Tone.WARNING: 12_000, Tone.DANGER: 60_000}
"""How long a toast stays. Errors leave earlier by a click or Escape only."""
WORDS = {Tone.OK: "Info", Tone.WARNING: "Warning", Tone.DANGER: "Error"}
MARGIN, GAP = 14, 8
WIDTH_EM = 24
"""Width in letters 'm', so that it grows with the text; about that of a column of the window."""
FIELDS = (QLineEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox)
"""What is edited where it stands."""


class Toast(QFrame):
    """One notice, with the number of times that it came."""

    def __init__(
        self, notice: Notice, theme: Theme, shown_ms: int, leave: Callable[["Toast"], None],
        parent: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.notice = notice
        self.times = 1
        self._theme = theme
        self._leave = leave
        self.setObjectName("toast")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click or Escape: away with it. It stays in the log")
        badge = Badge(theme, "")
        badge.show_state(WORDS.get(notice.tone, "Info"), notice.tone)
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 10, 6)
        row.addWidget(badge, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._label, 1)
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(shown_ms)
        self.timer.timeout.connect(lambda: leave(self))
        self.timer.start()
        theme.changed.connect(self._restyle)
        self._restyle()
        self._tell()

    def repeat(self) -> None:
        """The same notice came again."""
        self.times += 1
        self.timer.start()
        self._tell()

    @property
    def text(self) -> str:
        """What it says, 'x3' included."""
        return self.notice.text + (f"  ×{self.times}" if self.times > 1 else "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self._leave(self)

    def _tell(self) -> None:
        self._label.setText(_breakable(self.text))
        self.setAccessibleName(f"{WORDS.get(self.notice.tone, 'Info')}: {self.text}")
        announcement = QAccessibleAnnouncementEvent(self, self.accessibleName())
        if self.notice.tone is Tone.DANGER:
            announcement.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(announcement)

    def _restyle(self) -> None:
        palette = self._theme.palette
        self.setStyleSheet(
            f"#toast {{ background: {palette.raised}; border-radius: 5px;"
            f" border: 2px solid {palette.tones[self.notice.tone]}; }}"
        )


class Toasts(QObject):
    """The stack of toasts of one window."""

    def __init__(
        self, window: QWidget, notices: Notices, theme: Theme,
        shown_ms: Mapping[Tone, int] = SHOWN_MS,
    ) -> None:  # fmt: skip
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._shown_ms = shown_ms
        self.shown: list[Toast] = []
        """Oldest first; the newest stands lowest."""
        window.installEventFilter(self)
        notices.given.connect(self.show_notice)
        theme.changed.connect(self._place)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus)

    def show_notice(self, notice: Notice) -> None:
        """Show a notice, or count it with the one that says the same."""
        same = [toast for toast in self.shown if toast.notice == notice]
        if same:
            same[0].repeat()
        else:
            while len(self.shown) >= MOST:
                self._remove(self._least_wanted())
            shown_ms = self._shown_ms.get(notice.tone, SHOWN_MS[Tone.OK])
            toast = Toast(notice, self._theme, shown_ms, self.dismiss, self._window)
            self.shown.append(toast)
            toast.show()
        self._place()

    def lift(self) -> None:
        """Over the panels again: one that is raised hides what lay over it."""
        for toast in self.shown:
            toast.raise_()

    def dismiss(self, toast: Toast) -> None:
        """Take a toast away."""
        self._remove(toast)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        # Only an Escape that no field has used for itself comes up to the window.
        elif (
            event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Escape  # type: ignore[attr-defined]
            and self.shown
        ):
            self.dismiss(self.shown[-1])
            return True
        return super().eventFilter(watched, event)

    def _least_wanted(self) -> Toast:
        """The oldest that is no error, else the oldest."""
        return next((t for t in self.shown if t.notice.tone is not Tone.DANGER), self.shown[0])

    def _remove(self, toast: Toast) -> None:
        if toast in self.shown:
            self.shown.remove(toast)
            toast.timer.stop()
            toast.hide()
            toast.deleteLater()

    def _on_focus(self, _old: QWidget | None, _new: QWidget | None) -> None:
        # The keyboard also leaves a field because its window is being deleted.
        if isValid(self._window):
            self._place()

    def _place(self) -> None:
        window = self._window
        wanted = WIDTH_EM * window.fontMetrics().horizontalAdvance("m")
        width = max(120, min(wanted, window.width() - 2 * MARGIN))
        heights = [toast.heightForWidth(width) for toast in self.shown]
        stack = QRect(0, 0, width, sum(heights) + GAP * (len(heights) - 1))
        stack.moveBottomRight(QPoint(window.width() - MARGIN - 1, window.height() - MARGIN - 1))
        if any(stack.intersects(part) for part in (self._edited(), self._tour())):
            stack.moveLeft(MARGIN)
        top = stack.top()
        for toast, height in zip(self.shown, heights, strict=True):
            toast.setGeometry(stack.left(), top, width, height)
            toast.raise_()
            top += height + GAP

    def _edited(self) -> QRect:
        """Where in the window the keyboard writes; empty when it writes nowhere."""
        field = QApplication.focusWidget()
        return self._place_of(field if isinstance(field, FIELDS) else None)

    def _tour(self) -> QRect:
        """Where the tour stands: it says what to do next."""
        return self._place_of(self._window.findChild(QWidget, TOUR))

    def _place_of(self, part: QWidget | None) -> QRect:
        if part is None or not self._window.isAncestorOf(part) or not part.isVisible():
            return QRect()
        return QRect(part.mapTo(self._window, QPoint(0, 0)), part.size())


def _breakable(text: str) -> str:
    """Long words (paths, names) may break after their punctuation."""
    return re.sub(r"\S{25,}", lambda word: re.sub(r"([/\\_.,:=&?-])", "\\1\u200b", word[0]), text)
