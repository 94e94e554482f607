"""How much the discharge source drifts: what is known of it before a run's own brackets."""

from dataclasses import dataclass

SECONDS_PER_HOUR = 3600.0
SOURCE_WALK = "walk of the source"
SOURCE_DRIFT = "drift of the source"
BRACKET_NOISE = "excess noise of a bracket"
"""So the calibrated numbers are called, in the table and in the head of a run."""
TYPICAL_WALK_PER_ROOT_H = 0.02
"""A discharge source of this kind walks 2 % in a root hour."""
TYPICAL_WALK_INTERVALS = 2.0
"""What is typical weighs as much as so many intervals between brackets."""
MOST_INTERVALS = 20.0
"""A calibration is of another day: it never outweighs the brackets of half a night."""
TYPICAL_DRIFT_PER_H = 0.02
"""Rms of the steady drift, from day to day."""


@dataclass(frozen=True)
class DriftSpectrum:
    """Drift of the source's logarithm: a random walk, a steady drift, white noise of a bracket.

    Spectral density of the rate's relative fluctuations at frequency f:
    `walk_per_s` / (2 pi^2 f^2) (one-sided) for the walk, flat for the noise of the brackets.
    """

    walk_per_s: float = TYPICAL_WALK_PER_ROOT_H**2 / SECONDS_PER_HOUR
    """Relative variance that the source gathers in a second."""
    walk_intervals: float = TYPICAL_WALK_INTERVALS
    """Weight of `walk_per_s` against what a run's own brackets say, in intervals between them."""
    drift_rms_per_s: float = TYPICAL_DRIFT_PER_H / SECONDS_PER_HOUR
    """Prior of a run's steady drift: normal about 0."""
    excess_noise: float = 0.0
    """Relative scatter of a bracket beyond that of its bursts."""

    @classmethod
    def measured(
        cls,
        walk_per_root_h: float,
        walk_error_per_root_h: float,
        drift_per_h: float = 0.0,
        excess_noise: float = 0.0,
    ) -> "DriftSpectrum":
        """From a calibration: walk and its error (1/sqrt(h)), drift (1/h), excess noise.

        The walk's error decides on its weight, by the law of a variance from n intervals,
        (d ln q)^2 = 2/n; never less than what is typical weighs.
        """
        relative = 2.0 * walk_error_per_root_h / walk_per_root_h
        intervals = 2.0 / relative**2 if relative > 0.0 else float("inf")
        return cls(
            walk_per_root_h**2 / SECONDS_PER_HOUR,
            min(max(intervals, TYPICAL_WALK_INTERVALS), MOST_INTERVALS),
            max(abs(drift_per_h), TYPICAL_DRIFT_PER_H) / SECONDS_PER_HOUR,
            excess_noise,
        )


TYPICAL = DriftSpectrum()
