"""What program this is: version, licence, what it stands on."""

import platform
from html import escape

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from atta_daq import __version__
from gui.context import Context
from gui.widgets.side_dialog import SideDialog


class About(SideDialog):
    """Not modal. Binds `help.about`."""

    def __init__(self, context: Context, window: QWidget) -> None:
        super().__init__("About atta-daq", window)
        self._context = context
        self.text = QLabel()
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setAccessibleName("about atta-daq")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.hide)
        box = QVBoxLayout(self)
        box.addWidget(self.text)
        box.addWidget(buttons)
        context.actions.bind("help.about", self.tell)

    def tell(self) -> None:
        """Show it."""
        station = self._context.readings.text("station:version")
        self.text.setText(
            f"<h3>atta-daq {escape(__version__)}</h3>"
            "<p>Data acquisition for an Atom Trap Trace Analysis rig for krypton<br>"
            "with 819-nm optical pumping.</p>"
            f"<p>Station: {escape(station) if station else 'none'}<br>"
            f"Python {platform.python_version()}, PySide6 {pyside_version}</p>"
            "<p>BSD-3-Clause licence; the file LICENSE holds its text.</p>"
        )
        self.come_up()
