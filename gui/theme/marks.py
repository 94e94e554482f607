"""The small marks that a style sheet takes from files: ticks and arrows in a palette's colours."""

from pathlib import Path

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from gui.theme.palettes import Palette

SIDE_PX = 64
"""Larger than any that is shown: Qt makes them smaller, never larger."""
_UNIT = SIDE_PX / 16.0
_LINES = {
    "tick": ((3.0, 8.5), (6.5, 12.0), (13.0, 4.5)),
    "dash": ((3.5, 8.0), (12.5, 8.0)),
    "up": ((3.0, 11.0), (8.0, 5.5), (13.0, 11.0)),
    "left": ((11.0, 3.0), (5.5, 8.0), (11.0, 13.0)),
    "right": ((5.5, 3.0), (11.0, 8.0), (5.5, 13.0)),
    "down": ((3.0, 5.5), (8.0, 11.0), (13.0, 5.5)),
}
"""Corners of each mark on a square of 16."""


def colours_of(palette: Palette) -> dict[str, str]:
    """Colour of each mark; `-off` ones are for what is disabled."""
    on_box, off_box = palette.on_accent, palette.window
    return {
        "tick": on_box, "tick-off": off_box, "dash": on_box, "dash-off": off_box,
        **dict.fromkeys(("up", "down", "left", "right"), palette.text),
        **{f"{way}-off": palette.muted for way in ("up", "down", "left", "right")},
    }  # fmt: skip


def draw_marks(folder: Path, palette: Palette) -> dict[str, str]:
    """Paths of the marks by name, as a style sheet writes them."""
    paths: dict[str, str] = {}
    for name, colour in colours_of(palette).items():
        # Qt keeps pictures by their path: one of another palette needs another.
        path = folder / f"{palette.name}-{name}.png"
        if not path.exists():
            _draw(name.removesuffix("-off"), colour).save(str(path))
        paths[name] = path.as_posix()
    return paths


def _draw(mark: str, colour: str) -> QImage:
    image = QImage(SIDE_PX, SIDE_PX, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(QColor(colour), 2.5 * _UNIT)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.drawPolyline([QPointF(_UNIT * x, _UNIT * y) for x, y in _LINES[mark]])
    painter.end()
    return image
