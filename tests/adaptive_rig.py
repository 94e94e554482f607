"""A scan with adaptive time on counts drawn from the simulated world's physics, without a rig.

The increase comes from the world's own pumping (magnetic sublevels, a velocity distribution that
is not the fit's), the source drifts as the world's does, brackets have its burst noise. Nothing of
the truth reaches the course: it sees segments and the fits of them, one block late, as in a run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.analysis.results import FitResult
from atta_daq.rig.config import RigConfig, load_rig
from atta_daq.scans.blocks import Block, PlannedSegment, blocks, segment_duration_s
from atta_daq.scans.course import Course, Known
from atta_daq.scans.decisions import Decision
from atta_daq.scans.definition import ScanDefinition, parse_scan
from atta_daq.station.expected import light_of
from atta_daq.station.fitting import FitRequest, fit_all
from atta_daq.station.knowing import known_of
from simulators.truth import Beam, Pumping, Truth
from simulators.world.light_field import LightField
from simulators.world.pumping import Pumping as WorldPumping
from simulators.world.source import SourceDrift

UNIFORM = Path("scans/spectrum_85kr.toml").read_text()
EFFICIENCY, EFFICIENCY_ERROR = 0.93, 0.01
BURST_NOISE = 0.01
MOVING_S = 0.3
OTHER_WORLD = Truth(
    pumping=Pumping(pumping_model="zeeman", rabi_scale=4.3),
    beam=Beam(temperature_k=310.0, selection_exponent_odd=1.0, capture_velocity_m_s=340.0),
)
"""Neither the fit's pumping model nor its velocities."""


@lru_cache(maxsize=1)
def config() -> RigConfig:
    """The rig file of the examples."""
    return load_rig(Path("examples/rig.toml"))


@lru_cache(maxsize=2)
def pumping_of(name: str) -> WorldPumping:
    """The world's pumping: 'same' as the fit's or 'other'."""
    return WorldPumping(OTHER_WORLD if name == "other" else Truth())


@dataclass
class DrawnRig:
    """Takes planned segments on a clock of its own."""

    seed: int
    world: str = "other"
    segments: list[Segment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.truth = OTHER_WORLD if self.world == "other" else Truth()
        self.rng = np.random.default_rng(self.seed)
        self.clock_s = 1.0e9
        self.source = SourceDrift(self.truth.source, self.clock_s, self.rng)
        self.light = light_of(config())
        self.timing = config().scan_timing()
        self.isotope: int | None = None
        self.closed = False

    def take(self, block: Block) -> None:
        """All segments of a block; the bracket that closed the last one opens it."""
        for planned in block.segments[1 if self.closed else 0 :]:
            self._take(planned, block.index)
        self.closed = True

    def _take(self, planned: PlannedSegment, block: int) -> None:
        dead = {"settle-frames": self.timing.settle_frames * self.timing.exposure_s}
        if planned.isotope != self.isotope:
            dead |= {"switching": self.timing.switching_s, "settling": self.timing.settling_s}
            self.isotope = planned.isotope
        setting = Setting()
        if planned.pumping and planned.isotope:
            at = self.light.resolve(planned.target, planned.isotope)
            setting = Setting(at.detuning_mhz, at.detuning_mhz, at.power_mw)
            dead["moving"] = MOVING_S
        self.clock_s += sum(dead.values())
        begin_s = self.clock_s
        if planned.kind is SegmentKind.LOADING_83:
            length_s = segment_duration_s(planned, self.timing)
            strength = self._mean_strength(begin_s, length_s)
            bursts = strength * (1.0 + BURST_NOISE * self.rng.standard_normal(self.timing.bursts))
            values: dict[str, Any] = {
                "rate": 6.9e9 * float(bursts.mean()),
                "rate_error": 6.9e9 * float(bursts.std(ddof=1)) / np.sqrt(bursts.size),
                "exposures": bursts.size,
            }
            live_s = self.timing.bursts * self.timing.load_s
        else:
            assert planned.dwell_s is not None
            length_s = live_s = planned.dwell_s
            strength = self._mean_strength(begin_s, length_s)
            per_h = self.truth.trap.false_counts_per_h
            if planned.isotope == 85:
                per_h += (
                    EFFICIENCY
                    * self.truth.source.counts_85kr_per_h
                    * strength
                    * (1.0 + self._increase(setting))
                )
            values = {"counts": int(self.rng.poisson(per_h * live_s / 3600.0))}
            if planned.isotope:
                values |= {"efficiency": EFFICIENCY, "efficiency_error": EFFICIENCY_ERROR}
        self.segments.append(
            Segment(
                run_id="drawn",
                block=block,
                attempt=0,
                index=len(self.segments),
                kind=planned.kind,
                isotope=planned.isotope,
                pumping=planned.pumping,
                point=planned.point,
                bracket=planned.bracket,
                setting=setting,
                start_rig_s=begin_s,
                end_rig_s=self.clock_s,
                live_s=live_s,
                dead_s=dead,
                **values,
            )
        )

    def _mean_strength(self, begin_s: float, length_s: float) -> float:
        """Of the source over an interval, in steps that its walk does not notice."""
        steps = max(2, int(length_s / 10.0))
        times = begin_s + length_s * (np.arange(steps) + 0.5) / steps
        mean = float(np.mean([self.source.at(float(t)) for t in times]))
        self.clock_s = begin_s + length_s
        return mean

    def _increase(self, setting: Setting) -> float:
        if setting.detuning_mhz is None or setting.power_mw is None:
            return 0.0
        field_ = LightField(setting.detuning_mhz, setting.power_mw, 0.0, 0.0)
        return pumping_of(self.world).increase(85, field_)

    def counted_s(self) -> float:
        """Counting time on the rare isotope so far."""
        return sum(s.live_s for s in self.segments if s.kind is SegmentKind.RARE)


@dataclass(frozen=True)
class TakenScan:
    """A scan that was taken to its end."""

    definition: ScanDefinition
    rig: DrawnRig
    fit: FitResult
    decisions: tuple[Decision, ...]
    reason: str


def take_scan(
    text: str,
    seed: int,
    *,
    world: str = "other",
    fixed: Sequence[Block] | None = None,
) -> TakenScan:
    """Take a scan of one 85Kr part; every block's fit is there one block later."""
    definition = parse_scan(text).model_copy(update={"geometry": config().geometry})
    rig = DrawnRig(seed, world)
    request = FitRequest(definition, config())
    decisions: list[Decision] = []
    known: Known = {}
    coming: Known = {}
    timing = config().scan_timing()
    plan = blocks(definition, timing) if fixed is None else fixed
    course = Course(
        definition,
        plan,
        timing,
        taken=lambda: rig.segments,
        known=lambda: known,
        record=decisions.append,
    )
    decides = definition.stop_when is not None
    for number, block in enumerate(course):
        rig.take(block)
        known = {**known, **coming}
        if decides or (definition.adaptive is not None and number >= len(plan) - 2):
            fits = fit_all(rig.segments, request, minos=False)
            coming = known_of(rig.segments, request, fits)
    fit = fit_all(rig.segments, request, minos=False)["85Kr"]
    return TakenScan(definition, rig, fit, tuple(decisions), course.reason)
