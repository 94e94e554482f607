"""Orders of STOP, which may be given twice."""

from collections.abc import Callable

from drivers.errors import DriverError


def tried_twice(act: Callable[[], None]) -> None:
    """Do `act`, and once more if it fails: a line that has died fails once and is then opened anew.

    For orders that may be given twice.
    """
    try:
        act()
    except DriverError:
        try:
            act()
        except DriverError as error:
            error.tried_twice = True
            raise
