"""The plot of a calibration: what was measured, and the fit through it."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.results import pdg_round
from atta_daq.archive.calibration_store import CalibrationStore
from atta_daq.archive.disk import write_whole
from atta_daq.archive.plot_style import FIT, ON, drawing
from atta_daq.calibration.result import CalibrationResult, Quantity

HEIGHT_IN = 3.2
LABELS = {
    "axis-zero": ("819-nm detuning on the former axis [MHz]", "cell signal [V]"),
    "cavity": ("819-nm detuning [MHz]", "cell signal [V]"),
    "fibre-power": ("amplifier current [mA]", "power at the source [mW]"),
    "sideband-depth": ("modulation depth beta", "increase of 84Kr loading"),
    "camera": ("mean over bias at gain [ADU]", "variance of a pixel [ADU²]"),
    "dwell": ("lag [s]", "correlation of the trap's light over that at lag 0"),
    "source-drift": ("time between two brackets [min]", "rms change of the 83Kr rate [%]"),
}


def drawn_plot(store: CalibrationStore, result: CalibrationResult) -> Path:
    """The plot of a stored result, drawn from its raw data unless it is there.

    The station does not draw: matplotlib would hold up its threads for a second.
    """
    path = store.plot(result.id)
    if not path.exists():
        with np.load(store.raw(result.id)) as raw:
            svg = calibration_plot(result, dict(raw))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, svg)
    return path


def calibration_plot(result: CalibrationResult, raw: Mapping[str, NDArray]) -> str:
    """SVG text. `raw` holds `x`, `y`, and where there are any `y_error`, `fit_x`, `fit_y`."""
    labels = LABELS[result.kind]
    with drawing(HEIGHT_IN) as figure:
        axes = figure.subplots()
        error = raw.get("y_error")
        axes.errorbar(
            raw["x"], raw["y"], yerr=error, fmt="o", color=ON, markersize=3.4, elinewidth=0.9
        )
        if "fit_x" in raw:
            order = np.argsort(raw["fit_x"], kind="stable")
            axes.plot(raw["fit_x"][order], raw["fit_y"][order], color=FIT, linewidth=1.1)
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        axes.set_title("\n".join((result.id, *(quantity_text(q) for q in result.quantities))))
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        return buffer.getvalue()


def quantity_text(quantity: Quantity) -> str:
    """'fsr_mhz = 3001.2 ± 1.4 MHz', rounded by the PDG rule."""
    unit = f" {quantity.unit}" if quantity.unit else ""
    if quantity.error == 0.0:
        return f"{quantity.name} = {quantity.value:g}{unit}"
    value, error = pdg_round(quantity.value, quantity.error)
    return f"{quantity.name} = {value} ± {error}{unit}"
