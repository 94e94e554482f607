"""A command of the software lock that waits for another one, while STOP freezes the lock."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from drivers.errors import DeviceFault
from drivers.redpitaya_stcl import RedPitayaStcl
from drivers.stcl.core import LockState


class Queue:
    """Stands for the lock of the commands: who comes waits until it may."""

    def __init__(self) -> None:
        self.waits, self.may = threading.Event(), threading.Event()

    def __enter__(self) -> None:
        self.waits.set()
        assert self.may.wait(10.0)

    def __exit__(self, *_error: object) -> None:
        pass


@pytest.mark.parametrize(
    "command", [RedPitayaStcl.relock, lambda lock: lock.set_ratio(0.5)], ids=["relock", "set_ratio"]
)
def test_one_that_waited_over_a_freeze_moves_nothing(command: Callable[[Any], object]) -> None:
    lock: Any = RedPitayaStcl("lock", "TCPIP0::127.0.0.1::9::SOCKET", landing_timeout_s=0.1)
    lock._thread = threading.current_thread()  # as if it were connected and regulated
    lock._command = queue = Queue()
    refused: list[str] = []

    def order() -> None:
        try:
            command(lock)
        except DeviceFault as fault:
            refused.append(fault.reason)

    waiting = threading.Thread(target=order)
    waiting.start()
    assert queue.waits.wait(10.0)
    begun: list[str] = []
    for name in ("relock", "go_to"):
        setattr(lock._core, name, lambda *_, name=name, **__: begun.append(name))
    lock.freeze()
    queue.may.set()
    waiting.join(10.0)
    assert not waiting.is_alive()
    assert begun == []
    assert lock._core.state is LockState.FROZEN
    assert refused[0].startswith("the lock was frozen meanwhile; what waited is not begun")
