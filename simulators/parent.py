"""Is another process still there? Used so that a killed program leaves no simulator behind."""

import os
import sys
from collections.abc import Callable

if sys.platform == "win32":
    import ctypes

    _SYNCHRONIZE = 0x00100000
    _WAIT_TIMEOUT = 0x102

    def parent_watch(pid: int) -> Callable[[], bool]:
        """A function that tells whether process `pid` still runs."""
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(_SYNCHRONIZE, False, pid)
        return lambda: bool(handle) and kernel.WaitForSingleObject(handle, 0) == _WAIT_TIMEOUT

else:

    def parent_watch(pid: int) -> Callable[[], bool]:
        """A function that tells whether process `pid` still runs.

        A child is handed to another process when its parent ends, even if that one is not yet
        reaped; for any other process the table of processes is asked.
        """
        if os.getppid() == pid:
            return lambda: os.getppid() == pid
        return lambda: _exists(pid)

    def _exists(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
