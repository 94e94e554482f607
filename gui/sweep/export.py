"""The picture as a file: PNG, SVG, or the drawn points as CSV."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import pyqtgraph.exporters
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QImageWriter

from gui.sweep.picture import Picture
from gui.sweep.plot import SweepPlot

PNG_WIDTH = 1800


def save_png(plot: SweepPlot, path: Path) -> None:
    """The plot as a picture, twice as fine as on most screens. Raises OSError."""
    plot.hide_crosshair()
    exporter = pyqtgraph.exporters.ImageExporter(plot.ci)
    exporter.parameters()["width"] = PNG_WIDTH
    image = exporter.export(toBytes=True)
    writer = QImageWriter(str(path), QByteArray(b"png"))
    if image is None or not writer.write(image):
        raise OSError(f"{path}: {writer.errorString()}")


def save_svg(plot: SweepPlot, path: Path) -> None:
    """The plot as a vector graphic. Raises OSError."""
    plot.hide_crosshair()
    pyqtgraph.exporters.SVGExporter(plot.ci).export(str(path))


def points_csv(run_id: str, picture: Picture, earlier: Sequence[tuple[str, Picture]] = ()) -> str:
    """The drawn points as CSV, units in the header; earlier runs follow with their ids.

    `fit` is the fit at the point, `residual` in standard errors; both are empty where there is
    no fit.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    y = f"{picture.isotope}Kr {picture.quantity.value}"
    x = "819-nm light" if picture.is_on_off else picture.x_title
    writer.writerow(
        ["run", "part", x, f"{y} ({picture.unit})", f"error ({picture.unit})", "light",
         "provisional", "counts", "live time (s)", "rig time (s since 1970)", "point",
         f"fit ({picture.unit})", "residual (sigma)"]
    )  # fmt: skip
    for run, drawn in ((run_id, picture), *earlier):
        writer.writerows(_rows(run, drawn))
    return text.getvalue()


def _rows(run: str, picture: Picture) -> list[list[object]]:
    points = picture.points
    rows: list[list[object]] = []
    for i, point in enumerate(points.source):
        x, y, error = float(points.x[i]), float(points.y[i]), float(points.error[i])
        pull = float(picture.residual[i])
        known = math.isfinite(pull)
        light = "on" if point.pumping else "blocked"
        rows.append(
            [run, picture.name, light if picture.is_on_off else repr(x), repr(y), repr(error),
             light, "yes" if point.provisional else "no",
             "" if point.counts is None else point.counts, repr(point.live_s),
             repr(point.mid_rig_s), "" if point.index is None else point.index,
             repr(y - pull * error) if known else "", repr(pull) if known else ""]
        )  # fmt: skip
    return rows
