"""Which panels there are, and where they stand at first."""

from PySide6.QtCore import Qt

from gui.editor.panel import EditorPanel
from gui.log.panel import LogPanel
from gui.panel import PanelSpec
from gui.panels.alignment import AlignmentPanel
from gui.panels.amplifier import AmplifierPanel
from gui.panels.calibrations import CalibrationsPanel
from gui.panels.camera import CameraPanel
from gui.panels.cell import CellPanel
from gui.panels.counts import CountsPanel
from gui.panels.lock import LockPanel
from gui.panels.power import PowerPanel
from gui.panels.pumping import PumpingPanel
from gui.panels.sideband import SidebandPanel
from gui.panels.slow import SlowPanel
from gui.panels.strips import StripsPanel
from gui.panels.trap import TrapPanel
from gui.queue.panel import QueuePanel
from gui.runs.panel import RunsPanel

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea

PANELS: tuple[PanelSpec, ...] = (
    PanelSpec("amplifier", "Amplifier", AmplifierPanel, LEFT, sources=("amplifier",)),
    PanelSpec("sideband", "Sidebands", SidebandPanel, LEFT, "amplifier", sources=("sideband",)),
    PanelSpec("power", "Power", PowerPanel, LEFT, "amplifier", sources=("light", "power_meter")),
    PanelSpec("lock", "Lock", LockPanel, LEFT, sources=("lock",)),
    PanelSpec("cell", "Cell", CellPanel, LEFT, "lock", sources=("reference_cell",)),
    PanelSpec("slow", "Slow control", SlowPanel, LEFT, "lock", sources=("slow", "source")),
    PanelSpec("camera", "EMCCD", CameraPanel, RIGHT, sources=("camera",)),
    PanelSpec("counts", "Atoms", CountsPanel, RIGHT, "camera"),
    PanelSpec("trap", "Trap", TrapPanel, RIGHT, sources=("trap",)),
    PanelSpec("pumping", "819 nm", PumpingPanel, RIGHT, "trap"),
    PanelSpec("alignment", "Alignment", AlignmentPanel, RIGHT, "trap", sources=("loading",)),
    PanelSpec("editor", "Scan", EditorPanel, BOTTOM),
    PanelSpec("queue", "Queue", QueuePanel, BOTTOM, "editor", sources=("queue",)),
    PanelSpec("runs", "Runs", RunsPanel, BOTTOM, "editor", sources=("run",)),
    PanelSpec("calibrations", "Calibrations", CalibrationsPanel, BOTTOM, "editor",
              sources=("calibrations",)),
    PanelSpec("strips", "Strip charts", StripsPanel, BOTTOM, "editor"),
    PanelSpec("log", "Log", LogPanel, BOTTOM, "editor", sources=("station", "messages")),
)  # fmt: skip
"""Panels without `tab_with` stand side by side or one above the other."""
