"""Mean and scatter of the newest readings."""

import math
from dataclasses import dataclass

import numpy as np

from gui.model.history import Series


@dataclass(frozen=True)
class Recent:
    """The readings of the last seconds."""

    mean: float
    scatter: float
    """Standard deviation of a single reading; nan for fewer than two."""
    count: int


def recent(times_s: Series, values: Series, now_s: float, seconds: float) -> Recent:
    """Mean and scatter since `now_s - seconds`; nan where there is too little."""
    kept = values[(times_s > now_s - seconds) & np.isfinite(values)]
    if not len(kept):
        return Recent(math.nan, math.nan, 0)
    scatter = float(np.std(kept, ddof=1)) if len(kept) > 1 else math.nan
    return Recent(float(np.mean(kept)), scatter, len(kept))


def four_digits(value: float) -> str:
    """Four significant digits without an exponent, for a display that must not jump: '0.01234'."""
    if not math.isfinite(value):
        return "–"
    if value == 0.0:
        return "0.000"
    decimals = 3 - math.floor(math.log10(abs(value)))
    return f"{value:.{min(max(decimals, 0), 7)}f}"
