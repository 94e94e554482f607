"""Many EPICS PVs read over pvAccess at once, within one time limit."""

import math
import time
from collections.abc import Sequence
from queue import Empty, Queue
from typing import Any

from p4p.client.raw import Context as RawContext
from p4p.client.thread import Context


def fetched(
    context: Context, pvs: Sequence[str], timeout_s: float, silent_s: float = math.inf
) -> list[Any]:
    """Structure of each PV, or an exception where there is none, within `timeout_s` in all, and
    without a pause of `silent_s` between two answers.

    The client's own `get` of many begins its time limit anew with each answer: a server that
    answers once a second would be waited for as many seconds as there are PVs.
    """
    answers: Queue[tuple[int, Any]] = Queue()
    structures: list[Any] = [TimeoutError(pv) for pv in pvs]
    deadline_s = time.monotonic() + timeout_s
    operations = [
        RawContext.get(context, pv, lambda answer, n=n: answers.put((n, answer)))
        for n, pv in enumerate(pvs)
    ]
    try:
        for _ in pvs:
            left_s = min(silent_s, deadline_s - time.monotonic())
            n, answer = answers.get(timeout=max(0.0, left_s))
            structures[n] = answer
    except Empty:
        pass  # those that have not answered stay what they are
    finally:
        for operation in operations:
            operation.close()
    return structures
