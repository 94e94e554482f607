"""How results are shown: one JSON object, or tables for people."""

import math
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from atta_daq.analysis.results import FitResult, pdg_round
from atta_daq.archive.run_folder import Run
from atta_daq.archive.truth import beside_truth


def run_object(run: Run, fits: Mapping[str, FitResult]) -> dict[str, Any]:
    """`run`, `parameters` (name to value, error, unit), `truth` when simulated, `goodness`.

    Of several fits the names are prefixed: '85Kr.position_mhz'; a single fit's are not.
    """
    single = len(fits) == 1
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
        if run.truth is not None:
            truth |= {prefix + k: v for k, v in beside_truth(fit, run.truth).items()}
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
    for name, fit in fits.items():
        truth = beside_truth(fit, run.truth) if run.truth is not None else {}
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
                known = truth.get(p.name)
                pull = None if known is None or p.fixed or not p.error else known
                row += [
                    "" if known is None else f"{known:.5g}",
                    "" if pull is None else f"{(p.value - pull) / p.error:+.1f}",
                ]
            table.add_row(*row)
        console.print(table)
        console.print(
            f"{quality.statistic} {quality.value:.1f} for {quality.degrees_of_freedom} degrees of "
            f"freedom, p = {quality.p_value:.2f}"
            + ("" if fit.valid else f"; NOT VALID: {fit.message}")
        )
        for note in fit.notes:
            console.print(f"  · {note}")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
