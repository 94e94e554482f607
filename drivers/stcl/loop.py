"""Runs a lock: one record, one step, two voltages. The clock and the input and output are given."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import numpy as np

from drivers.errors import DriverError
from drivers.stcl.core import LockCore
from drivers.stcl.regulators import Outputs
from drivers.stcl.sweep import ScanTraces, analyse


class CavityBench(Protocol):
    """What a lock sees and moves."""

    def record_sweep(self) -> ScanTraces:
        """One sweep of both photodiodes. Raises DriverError."""
        ...

    def put_out(self, outputs: Outputs) -> None:
        """Set the ramp's offset and the laser's actuator. Raises DriverError."""
        ...


class LockLoop:
    """`core` on `bench`; `clock` gives seconds that only grow.

    `guard` is held while the core steps and its voltages go out, and not during a record: who
    holds it commands the core between two sweeps.
    """

    def __init__(
        self,
        core: LockCore,
        bench: CavityBench,
        clock: Callable[[], float],
        guard: AbstractContextManager[object] | None = None,
    ) -> None:
        self.core = core
        self._guard = guard or nullcontext()
        self._bench = bench
        self._clock = clock
        self._out = core.outputs
        self.traces: ScanTraces | None = None

    def run_once(self) -> None:
        """Record, analyse, step; put out what changed. A DriverError of the bench counts as no
        sweep, and is raised again."""
        try:
            traces = self._bench.record_sweep()
        except DriverError:
            with self._guard:
                self.core.step(None, self._clock())
            raise
        former, self.traces = self.traces, traces
        repeated = former is not None and bool(
            np.array_equal(former.master_v, traces.master_v)
            and np.array_equal(former.slave_v, traces.slave_v)
        )
        sweep = analyse(traces, self.core.settings, repeated)
        with self._guard:
            outputs = self.core.step(sweep, self._clock())
            if outputs != self._out:
                self._bench.put_out(outputs)
                self._out = outputs

    def restart(self, outputs: Outputs) -> None:
        """The bench stands at `outputs`, whatever was put out before."""
        self._out = outputs
        self.traces = None
