"""Made-up discharge sources that drift by known laws, and the brackets of a run on them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from atta_daq.analysis.records import Segment, SegmentKind, Setting

HOUR_S = 3600.0
GRID_S = 10.0
MARGIN_S = 10.0
"""Between a bracket and the segments beside it: switching, and the bracket's own length."""


def walk(t: np.ndarray, rng: np.random.Generator, per_root_h: float) -> np.ndarray:
    """Random walk of the logarithm."""
    return np.cumsum(rng.normal(0.0, per_root_h * np.sqrt(GRID_S / HOUR_S), t.size))


def steps(t: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Walk and drift, and two steps of 5 % rms in the run on average."""
    x = walk(t, rng, 0.02) + 0.01 * t / HOUR_S
    for moment in rng.uniform(0.0, t[-1], rng.poisson(2)):
        x = x + 0.05 * rng.normal() * (t > moment)
    return x


LAWS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "steady": lambda t, rng: np.zeros(t.size),
    "walk of 2 %/root h, 1 %/h": lambda t, rng: walk(t, rng, 0.02) + 0.01 * t / HOUR_S,
    "walk of 6 %/root h": lambda t, rng: walk(t, rng, 0.06),
    "walk of 12 %/root h": lambda t, rng: walk(t, rng, 0.12),
    "5 %/h": lambda t, rng: walk(t, rng, 0.003) + 0.05 * t / HOUR_S,
    "swings of 3 % in 2 h": lambda t, rng: (
        walk(t, rng, 0.003) + 0.03 * np.sin(2.0 * np.pi * (t / 7200.0 + rng.random()))
    ),
    "steps of 5 %": steps,
}


@dataclass(frozen=True)
class MadeUp:
    """Brackets of a source, intervals between them, and its true mean rate in each."""

    brackets: list[Segment]
    start_s: np.ndarray
    end_s: np.ndarray
    true: np.ndarray


def draw(
    law: str,
    count: int,
    rng: np.random.Generator,
    *,
    period_s: float = 500.0,
    burst_noise: float = 0.01,
    per_gap: int = 2,
) -> MadeUp:
    """`count` brackets of five bursts, `per_gap` segments between each two."""
    t = np.arange(0.0, (count - 1) * period_s + 1.0, GRID_S)
    x = LAWS[law](t, rng)
    at = period_s * np.arange(count)
    made = []
    for i, moment in enumerate(at):
        level = np.exp(np.interp(moment, t, x))
        bursts = level * rng.normal(1.0, burst_noise, 5)
        made.append(
            Segment(
                "run", i, 0, i, SegmentKind.LOADING_83, 83, False, None, True, Setting(),
                moment - 4.0, moment + 4.0, 5.0, exposures=5, rate=float(bursts.mean()),
                rate_error=float(bursts.std(ddof=1) / np.sqrt(5.0)),
            )
        )  # fmt: skip
    share = np.arange(per_gap) / per_gap
    length = period_s - 2.0 * MARGIN_S
    start = (at[:-1, None] + MARGIN_S + share * length).ravel()
    end = start + length / per_gap
    true = np.array(
        [np.mean(np.exp(x[(t >= a) & (t <= b)])) for a, b in zip(start, end, strict=True)]
    )
    return MadeUp(made, start, end, true)
