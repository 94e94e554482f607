"""A short caption with its value: a wrong one has a mark and a colour, a stale one is grey."""

from PySide6.QtWidgets import QLabel, QWidget


class Fact(QLabel):
    """'Gain 200', or '■ Lost 12 (0.4 %)' when that is wrong."""

    def __init__(self, caption: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._caption = f"{caption} " if caption else ""
        self.say("–")

    @property
    def is_wrong(self) -> bool:
        return self.property("role") == "wrong"

    def say(self, value: str, *, wrong: bool = False, stale: bool = False, why: str = "") -> None:
        """Show a value; `why` becomes the tool tip."""
        text = f"{'■ ' if wrong else ''}{self._caption}{value}"
        if text != self.text():
            self.setText(text)
        if why != self.toolTip():
            self.setToolTip(why)
        look = ("wrong" if wrong else None, stale)
        if look != (self.property("role"), bool(self.property("stale"))):
            self.setProperty("role", look[0])
            self.setProperty("stale", look[1])
            self.style().unpolish(self)
            self.style().polish(self)
