"""What the report says of the discharge source, in words."""

import math

from atta_daq.analysis.normaliser import Normaliser, that_loaded
from atta_daq.archive.report_rows import MINUS, with_error
from atta_daq.archive.run_folder import Run
from atta_daq.archive.source_drift import drift_of

SECONDS_PER_HOUR = 3600.0


def source_rows(run: Run) -> list[tuple[str, str, str]]:
    """Quantity, value with error, unit: walk and drift in this run, error of the normaliser.

    Empty for imported runs and those with fewer than two dark brackets.
    """
    dark = [s for s in run.segments if s.bracket and not s.flag and not s.pumping]
    brackets = that_loaded(dark)
    if run.header.origin == "imported" or len(brackets) < 2:
        return []
    try:
        source = Normaliser.from_brackets(brackets, drift_of(run.header))
    except ValueError:
        # `time_plot` has said so.
        return []
    track = source.track
    assert track is not None
    walk = math.sqrt(track.walk_per_s * SECONDS_PER_HOUR)
    walk_error = 0.5 * walk * track.walk_error_per_s / track.walk_per_s
    drift = SECONDS_PER_HOUR * track.drift_per_s
    drift_error = SECONDS_PER_HOUR * math.sqrt(float(track.covariance[-1, -1]))
    middle = 0.5 * (source.time_s[1:] + source.time_s[:-1])
    _, covariance = source.at(middle, middle)
    typical = math.sqrt(float(covariance.diagonal().mean()))
    own = math.sqrt(float((source.relative_error**2).mean()))
    rows = [
        ("random walk", with_error(100.0 * walk, 100.0 * walk_error), "%/√h"),
        ("steady drift", with_error(100.0 * drift, 100.0 * drift_error), "%/h"),
        ("error of one bracket by itself", f"{100.0 * own:.2g}", "%"),
        ("error of the normaliser midway between two brackets", f"{100.0 * typical:.2g}", "%"),
    ]
    if run.header.bracket_period_s is not None:
        rows.append(("brackets at least every", f"{run.header.bracket_period_s:g}", "s"))
    first = float(source.time_s[0])
    rows += [("step", step.in_words(first).replace("-", MINUS), "") for step in source.steps]
    return rows
