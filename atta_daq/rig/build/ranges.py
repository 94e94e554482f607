"""Intervals of the rig file as ranges of the drivers."""

from atta_daq.rig.models import Interval
from drivers.interfaces import Range


def range_of(interval: Interval) -> Range:
    """The same closed interval."""
    return Range(interval.low, interval.high)
