"""Puts the rig back as it stood before an activity, however that ends."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from atta_daq.station.activity import Activity
from atta_daq.station.log import Say

Step = Callable[[], object]


@contextmanager
def put_back(activity: Activity, say: Say, steps: Sequence[Step]) -> Iterator[None]:
    """Carry out every step at the end, whatever the others do, unless STOP or a client ended it.

    Raises what the body raised, else what the first step that failed did. Every step that failed is
    said.
    """
    try:
        yield
    except Exception:
        # Whatever it was, RF and light may not stay as it left them; it tells the operator more
        # than what fails now.
        _failures(activity, say, steps)
        raise
    if failures := _failures(activity, say, steps):
        raise failures[0]


def _failures(activity: Activity, say: Say, steps: Sequence[Step]) -> list[Exception]:
    failures: list[Exception] = []
    for step in steps:
        if activity.ending:
            break
        try:
            step()
        except Exception as error:  # one that is refused must not keep back the others
            say(f"{activity.name}: not put back: {error}", "warning")
            failures.append(error)
    return failures
