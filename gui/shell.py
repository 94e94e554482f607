"""What every window has around its panels: toasts, palette, key sheet, presets, tour and so on."""

from PySide6.QtWidgets import QMainWindow

from gui.actions.about import About
from gui.actions.keys_sheet import KeysSheet
from gui.actions.palette_dialog import CommandPalette
from gui.context import Context
from gui.live_view import LiveViewKeeper
from gui.log.toasts import Toasts
from gui.preset_dialog import Presets
from gui.start_simulation import SimulatedRig
from gui.tour import Tour
from gui.view_actions import ViewActions


class Shell:
    """Made after the panels, so that toasts and palette lie over them; closed with the window."""

    def __init__(self, context: Context, window: QMainWindow) -> None:
        self.palette = CommandPalette(context, window)
        self.keys = KeysSheet(context, window)
        self.about = About(context, window)
        self.view = ViewActions(context, window)
        self.presets = Presets(context, window)
        self.tour = Tour(context, window)
        self.live_view = LiveViewKeeper(context, window)
        self.simulated_rig = SimulatedRig(context, window)
        self.toasts = Toasts(window, context.notices, context.theme)

    def close(self) -> None:
        """End the simulated rig, if this window has started one."""
        self.simulated_rig.close()
