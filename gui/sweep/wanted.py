"""How much longer until an error has fallen to a wanted one: the same answer everywhere."""

from atta_daq.client.runs import PartPoints, time_to_error_s
from gui.status_strip import duration
from gui.sweep.model import is_valid


def lit_s(part: PartPoints) -> float:
    """Counting time with light on in the points that are used: what more of it makes errors small.

    Time with the light blocked and points without a number are none of it.
    """
    return sum(point.live_s for point in part.points if point.pumping and is_valid(point))


def time_left(error: float, wanted: float, counted_s: float, rate: float) -> str:
    """'reached', '8 h 12 min more with light on (4 min on the clock)', or why it is not known.

    `counted_s` is what `error` was reached with (`lit_s`); `rate` rig seconds pass in a second.
    """
    if error <= wanted:
        return "reached"
    if not counted_s > 0.0:
        return "the counting time is not known"
    left_s = time_to_error_s(error, wanted, counted_s)
    clock = "" if rate == 1.0 else f" ({duration(left_s / rate)} on the clock)"
    return f"{duration(left_s)} more with light on{clock}"
