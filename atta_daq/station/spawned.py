"""A process of the station's own that answers on a pipe."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess


def spawned(serve: Callable[[Connection], None], name: str) -> tuple[BaseProcess, Connection]:
    """A new process that carries out `serve` with the far end of the pipe, and the near end.

    Spawned, not forked: a fork would hold the locks of threads that it has not.
    """
    context = multiprocessing.get_context("spawn")
    pipe, far_end = context.Pipe()
    process = context.Process(target=serve, args=(far_end,), name=name, daemon=True)
    process.start()
    far_end.close()
    return process, pipe
