"""Whether a scan has told enough to end before its last block.

The test looks at the *expected* error, from the Fisher information of the fit with the visits since
added as expected, not at the error that the fit quotes. That one follows every upward fluctuation
of the counts; a rule that waits for it stops on good luck, which makes quoted errors too small.
"""

from collections.abc import Sequence

from atta_daq.analysis.allocation import Visit, error_with
from atta_daq.analysis.knowledge import Knowledge
from atta_daq.analysis.results import pdg_round
from atta_daq.scans.adaptive import StopWhen

REACHED = "wanted precision reached"
COUNTED = "wanted counting time reached"


def stop_reason(
    aim: StopWhen, knowledge: Knowledge | None, since: Sequence[Visit], counted_s: float
) -> str:
    """Why the scan may end now; '' if it must go on. `since`: visits that the fit has not seen."""
    if knowledge is not None:
        error, limit = error_with(knowledge, since), wanted_error(aim, knowledge.value)
        if error <= limit:
            value, shown = pdg_round(knowledge.value, error)
            return f"{REACHED}: {aim.parameter} {value} ± {shown} expected, {limit:.3g} wanted"
    if aim.total_s is not None and counted_s >= aim.total_s:
        return f"{COUNTED}: {counted_s:.0f} s of {aim.total_s:g} s"
    return ""


def wanted_error(aim: StopWhen, value: float) -> float:
    """The largest error that is good enough; 0 when only a counting time is wanted."""
    limits = [0.0]
    if aim.uncertainty is not None:
        limits.append(aim.uncertainty)
    if aim.relative_uncertainty is not None:
        limits.append(aim.relative_uncertainty * abs(value))
    return max(limits)
