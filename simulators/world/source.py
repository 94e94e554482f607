"""The discharge source: how strongly all isotopes flow, and how that wanders."""

import math

import numpy as np

from simulators.truth import Source as SourceTruth

HOUR_S = 3600.0
NIGHT_S = 10.0 * HOUR_S


class SourceDrift:
    """Strength of the source relative to its start, common to all isotopes.

    The logarithm of the strength is a random walk plus a linear drift plus Poisson steps, so the
    strength stays positive; for small changes the parameters are the relative ones of the truth.
    Increments are exact for any step of time, so it can be advanced lazily.
    """

    def __init__(self, truth: SourceTruth, start_s: float, stream: np.random.Generator) -> None:
        self._truth = truth
        self._stream = stream
        self._time_s = start_s
        self._log_strength = 0.0

    def at(self, time_s: float) -> float:
        """Strength at rig time `time_s`, 1 at the start; an earlier time gives the latest."""
        step_s = time_s - self._time_s
        if step_s > 0.0:
            truth, stream = self._truth, self._stream
            hours = step_s / HOUR_S
            change = truth.drift_per_h * hours
            change += truth.walk_per_root_h * math.sqrt(hours) * float(stream.standard_normal())
            steps = int(stream.poisson(truth.steps_per_night * step_s / NIGHT_S))
            if steps:
                change += truth.step_rms * math.sqrt(steps) * float(stream.standard_normal())
            self._log_strength += change
            self._time_s = time_s
        return math.exp(self._log_strength)
