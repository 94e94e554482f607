"""The run engine: what it opens it closes."""

import gc
import threading
import time

import psutil
from bluesky import plan_stubs as bps

from atta_daq.station.engine import Engine


def test_a_run_leaves_no_handle_and_no_thread_behind() -> None:
    def one() -> None:
        engine = Engine(lambda _name, _document: None)
        assert engine.run(bps.null(), lambda: None) == ""
        engine.close()
        engine.close()

    gc.disable()  # what is left to the collector is left for hours
    try:
        one()
        process = psutil.Process()
        files, threads = process.num_fds(), threading.active_count()
        for _ in range(5):
            one()
        assert process.num_fds() == files
        deadline_s = time.monotonic() + 10.0
        while threading.active_count() > threads:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
    finally:
        gc.enable()
