"""The plot of a calibration: what was measured, and the fit through it."""

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.results import pdg_round
from atta_daq.archive.plot_style import FIT, ON, drawing
from atta_daq.calibration.result import CalibrationResult, Quantity

HEIGHT_IN = 3.2


def calibration_plot(
    result: CalibrationResult, raw: Mapping[str, NDArray], labels: tuple[str, str]
) -> str:
    """SVG text. `raw` holds `x`, `y`, and where there are any `y_error`, `fit_x`, `fit_y`."""
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
