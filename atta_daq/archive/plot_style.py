"""One look for every plot of a report. matplotlib is imported here only when a plot is drawn."""

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1b1f24"
SOFT = "#6b7480"
RULE = "#d5dae0"
ON = "#1f5f99"
"""819-nm light on."""
OFF = "#8a929c"
"""Light blocked."""
FIT = "#c0492b"
SERIES = ("#1f5f99", "#c0492b", "#2f7d4f", "#8a5aa8", "#b07d12", "#3b8ea5")
WIDTH_IN = 7.4
LEGEND_COLUMNS = 4
LEGEND_ROW_IN = 0.23

_RC: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.3,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # The same run gives the same file.
    "svg.hashsalt": "atta-daq",
}
_MARKERS = {"elinewidth": 0.9, "capsize": 0, "linestyle": "none"}


@contextmanager
def drawing(height_in: float, width_in: float = WIDTH_IN) -> Iterator["Figure"]:
    """An empty figure in the report's style, with no window behind it."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(_RC):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def svg_uri(figure: "Figure") -> str:
    """The figure as a data URI that an <img> shows without any other file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def light_on(axes: "Axes", x: object, y: object, error: object, **more: object) -> None:
    """Points taken with the 819-nm light on: filled circles with error bars."""
    style = {"color": ON, "marker": "o", "markersize": 4.2, **_MARKERS, **more}
    axes.errorbar(x, y, yerr=error, **style)  # pyright: ignore[reportArgumentType]


def light_off(axes: "Axes", x: object, y: object, error: object, **more: object) -> None:
    """Points taken with the light blocked: hollow squares with error bars."""
    style = {
        "color": OFF,
        "marker": "s",
        "markersize": 4.0,
        "markerfacecolor": "white",
        **_MARKERS,
        **more,
    }
    axes.errorbar(x, y, yerr=error, **style)  # pyright: ignore[reportArgumentType]


def legend_above(axes: "Axes", last: Sequence[str] = (), title: str = "") -> None:
    """A legend over the data, which get the room that it needs.

    Labels in `last` come after the others: first what was measured, then what was computed.
    """
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: labels[i] in last)
    rows = -(-len(order) // LEGEND_COLUMNS) + bool(title)
    height_in = axes.bbox.height / axes.figure.dpi
    low, high = axes.get_ylim()
    share = min(rows * LEGEND_ROW_IN / height_in, 0.5)
    axes.set_ylim(low, low + (high - low) / (1.0 - share))
    legend = axes.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="upper left",
        ncols=min(len(order), LEGEND_COLUMNS),
        borderaxespad=0.2,
        columnspacing=1.6,
        title=title or None,
        alignment="left",
    )
    legend.set_in_layout(False)
