"""A pair of Thorlabs ITC4000."""

from drivers.itc4000.pair import Itc4000Pair

__all__ = ["Itc4000Pair"]
