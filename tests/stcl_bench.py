"""The software lock on the simulated cavity, without wires: sweeps and voltages by hand, stepped
with a clock of its own."""

import numpy as np

from drivers.stcl.core import LockCore
from drivers.stcl.loop import LockLoop
from drivers.stcl.regulators import Outputs
from drivers.stcl.settings import StclSettings
from drivers.stcl.sweep import ScanTraces
from simulators.clock import RigClock
from simulators.truth import Truth
from simulators.world.cavity_scan import Triangle
from simulators.world.world import World

SAMPLES = 16384
DT_S = 128 / 125e6
DAC_STEP_V = 1.0 / 8192
SETTINGS = StclSettings()


class Bench:
    """World, board and lock. `period_s` is the mean time between sweeps, which jitters by 30 %."""

    def __init__(
        self, seed: int = 1, period_s: float = 0.1, settings: StclSettings = SETTINGS, **cavity
    ) -> None:
        self.now_s = 1.8e9
        truth = Truth.model_validate({"cavity": cavity})
        self.world = World(truth, RigClock(1.0, lambda: self.now_s), seed)
        self.world.light.set_seed(enabled=True)
        self.world.scan.take_over()
        self.settings = settings
        self._period_s = period_s
        self._rng = np.random.default_rng(seed)
        self._offset_v = 0.0
        self.recorded = 0
        self.frozen_record: ScanTraces | None = None
        self.core = LockCore(settings)
        self.loop = LockLoop(self.core, self, lambda: self.now_s)

    def record_sweep(self) -> ScanTraces:
        self.now_s += self._period_s * (1.0 + 0.3 * (2.0 * self._rng.random() - 1.0))
        self.recorded += 1
        if self.frozen_record is not None:
            return self.frozen_record
        times_s = self.now_s + DT_S * np.arange(SAMPLES)
        s = self.settings
        ramp = Triangle(self.now_s, s.ramp_hz, s.ramp_amplitude_v, self._offset_v, 2.0)
        traces = self.world.scan.traces_v(times_s, ramp)
        counts = [np.clip(np.rint(v * 8192), -8192, 8191) / 8192 for v in traces]
        return ScanTraces(counts[0], counts[1], DT_S, self.now_s)

    def put_out(self, outputs: Outputs) -> None:
        """Both outputs in the steps of their converters."""
        self._offset_v = round(outputs.ramp_offset_v / DAC_STEP_V) * DAC_STEP_V
        self.world.scan.set_laser(round(outputs.laser_v / DAC_STEP_V) * DAC_STEP_V)

    def run(self, sweeps: int) -> None:
        for _ in range(sweeps):
            self.loop.run_once()

    def lock(self) -> "Bench":
        """Acquire from scratch, with the mode taken for checked."""
        self.core.relock()
        self.run(60)
        assert self.core.state.value == "locked", self.core.status().reason
        self.core.mode_checked("")
        return self

    def jump(self, ratio: float, sweeps: int = 60) -> None:
        self.core.go_to(ratio)
        self.run(sweeps)

    def true_mhz(self) -> float:
        """Mean frequency of the laser, without the jitter of single ramps."""
        return self.world.cavity.mean_mhz()

    def true_ratio(self) -> float:
        return self.world.cavity.ratio_total(self.true_mhz())
