"""How results are shown: one JSON object, or tables for people."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from atta_daq.analysis.results import FitResult, Parameter, pdg_round
from atta_daq.archive.parts import run_parts
from atta_daq.archive.run_folder import Run
from atta_daq.archive.truth import true_parameters


def run_object(run: Run, fits: Mapping[str, FitResult]) -> dict[str, Any]:
    """`run`, `parameters` (name to value, error, unit), `truth` when simulated, `goodness`.

    Of several fits the names are prefixed: '85Kr.position_mhz'; a single fit's are not.
    """
    single = len(fits) == 1
    known = known_truth(run, fits)
    parameters: dict[str, Any] = {}
    goodness: dict[str, Any] = {}
    truth: dict[str, float] = {}
    for name, fit in fits.items():
        prefix = "" if single else f"{name}."
        for p in (*fit.parameters, *fit.derived):
            parameters[prefix + p.name] = {
                "value": _finite(p.value),
                "error": _finite(p.error),
                "unit": p.unit,
                "lower": p.lower,
                "upper": p.upper,
            }
        quality = fit.goodness
        goodness[name] = {
            "statistic": quality.statistic,
            "value": _finite(quality.value),
            "degrees_of_freedom": quality.degrees_of_freedom,
            "p_value": _finite(quality.p_value),
            "valid": fit.valid,
        }
        truth |= {prefix + key: value for key, value in known[name].items()}
    result: dict[str, Any] = {
        "run": run.run_id,
        "state": run.state.value,
        "folder": str(run.folder),
        "parameters": parameters,
        "goodness": next(iter(goodness.values())) if single else goodness,
    }
    if run.truth is not None:
        result["truth"] = truth
    return result


def print_fits(run: Run, fits: Mapping[str, FitResult]) -> None:
    """Fitted parameters, beside the truth where there is one."""
    console = Console()
    known = known_truth(run, fits)
    for name, fit in fits.items():
        truth = known[name]
        quality = fit.goodness
        table = Table(title=f"{name}: {fit.model}")
        for column in ("parameter", "value", "error", "unit"):
            table.add_column(column, justify="left" if column in ("parameter", "unit") else "right")
        if truth:
            table.add_column("truth", justify="right")
            table.add_column("pull", justify="right")
        for p in (*fit.parameters, *fit.derived):
            value, error = pdg_round(p.value, p.error)
            row = [p.name, value, "fixed" if p.fixed else error, p.unit]
            if truth:
                row += _beside(p, truth.get(p.name))
            table.add_row(*row)
        console.print(table)
        console.print(
            f"{quality.statistic} {quality.value:.1f} for {quality.degrees_of_freedom} degrees of "
            f"freedom, p = {quality.p_value:.2f}"
            + ("" if fit.valid else f"; NOT VALID: {fit.message}")
        )
        for note in fit.notes:
            console.print(f"  · {note}")


def known_truth(run: Run, fits: Mapping[str, FitResult]) -> dict[str, dict[str, float]]:
    """For each fit the true values that a simulated run knows; empty for a real one."""
    found: dict[str, dict[str, float]] = {name: {} for name in fits}
    if run.truth is not None:
        data = {part.name: part.data for part in run_parts(run)}
        for name, fit in fits.items():
            found[name] = true_parameters(run.truth, fit, data[name])
    return found


def _beside(parameter: Parameter, truth: float | None) -> list[str]:
    """True value and pull of a parameter, as table cells."""
    if truth is None:
        return ["", ""]
    if parameter.fixed or not parameter.error:
        return [f"{truth:.5g}", ""]
    return [f"{truth:.5g}", f"{(parameter.value - truth) / parameter.error:+.1f}"]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
