"""Subscriptions of p4p that may be closed at any moment."""

import threading
from typing import Any


def closable(subscription: Any) -> Any:
    """Let `close` of a p4p subscription wait for an update that is just being taken off it.

    p4p 4.3 takes an update with a reference of its own to the subscription. When that becomes the
    last one, because somebody closes it meanwhile, the subscription is ended by the thread that
    takes, which then waits for p4p's network thread and holds the interpreter, for which that
    thread waits in turn: the process stands still for ever.
    """
    updates = subscription._S
    take, end = updates.pop, updates.close
    turn = threading.Lock()
    ended = False

    def pop() -> Any:
        with turn:
            return None if ended else take()

    def close() -> None:
        nonlocal ended
        with turn:
            ended = True
            end()

    updates.pop, updates.close = pop, close
    return subscription
