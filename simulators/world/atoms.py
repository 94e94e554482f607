"""Everything that concerns the atoms: source, pumping, trap, camera, loading detector."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from simulators.world.camera import Emccd, SensorLight
from simulators.world.cloud import Cloud
from simulators.world.light_field import LightField
from simulators.world.loading import LoadingDetector, Recording
from simulators.world.pumping import Pumping
from simulators.world.quench import DARK, PulseTrain
from simulators.world.shutter import Shutter
from simulators.world.source import HOUR_S, SourceDrift
from simulators.world.trap import SingleAtoms

if TYPE_CHECKING:
    from simulators.world.world import World

LONGEST_STEP_S = 1.0
"""Source and light are taken as constant for this long at most (0.03 % of drift)."""
IDLE_S = 120.0
"""After a longer silence only the last `REMEMBERED_S` are followed; nobody saw the rest."""
REMEMBERED_S = 60.0
EDGE_TOLERANCE_S = 1e-6


@dataclass(frozen=True)
class AtomsStatus:
    """Derived truth at one moment; for the simulator's control line and for tests."""

    rig_time_s: float
    isotope: int | None
    """That the trap works on; None: no isotope, not locked, or no trap light."""
    strength: float
    """Of the source, relative to its start."""
    increase: float
    """Of the trapped isotope's rate by the pumping light that passes the shutter."""
    rate_per_s: float
    """Present loading rate of that isotope."""
    trapped_atoms: int
    cloud_atoms: float
    wanted_total: int
    """Single atoms that have come since the start."""
    false_total: int
    overexposed_s: float
    """Time for which a cloud shone on the multiplying sensor."""
    lost_exposures: int
    """Exposures that the camera lost because they were not read out in time."""
    trap_light: bool
    pumping_light: bool
    """The 819-nm shutter is open, or on its way there."""


class Atoms:
    """Advanced lazily and exactly: time is cut at every edge (exposures, pulses, shutter, lock).

    Between two edges all rates are constant. Every change of an input goes through a method,
    which first brings everything to the present. All methods take `world.lock`.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._lock = world.lock
        truth, streams = world.truth, world.streams
        self._truth = truth
        now_s = world.clock.now_s()
        self._time_s = now_s
        self._source = SourceDrift(truth.source, now_s, streams["source"])
        self._strength, self._strength_s = 1.0, now_s
        self.pumping = Pumping(truth)
        self.single = SingleAtoms(truth.trap.lifetime_s, streams["single atoms"])
        self._cloud = Cloud(
            truth.trap.cloud_lifetime_s,
            truth.loading.quench_time_s,
            truth.loading.burst_noise,
            now_s,
            streams["trap cycles"],
            memory_s=REMEMBERED_S,
        )
        self._detector = LoadingDetector(truth.loading, self._cloud, streams["photodiodes"])
        self.camera = Emccd(truth.camera, now_s, streams["camera"])
        self._shutter = Shutter(truth.light.shutter_s)
        self._quench: PulseTrain = DARK
        self._recordings: list[Recording] = []
        self._offset_mhz: float | None = 0.0
        self._odd = False
        self._trap_light = False
        self._discharge = True
        self._addressed = self._nearest_isotope()
        self._locked_s = now_s
        self._settled_s = now_s
        self._residual_electrons = 0.0
        self._full_power_mw = (
            1e3
            * truth.light.transmission
            * truth.light.amplifier_slope_w_per_a
            * (truth.light.amplifier_maximum_a - truth.light.amplifier_threshold_a)
        )

    # --- the trap switch ------------------------------------------------------------------------

    def set_offset(self, offset_mhz: float | None) -> None:
        """Move the trap lasers to `offset_mhz` from the 84Kr master; None: no RF, no lock."""
        with self._lock:
            if offset_mhz != self._offset_mhz:
                self.advance()
                self._offset_mhz = offset_mhz
                self._switch()

    def set_odd(self, odd: bool) -> None:
        """Hyperfine repumping light of the odd isotopes."""
        with self._lock:
            if odd != self._odd:
                self.advance()
                self._odd = odd
                self._switch()

    def set_trap_light(self, on: bool) -> None:
        with self._lock:
            if on != self._trap_light:
                self.advance()
                self._trap_light = on
                self._lose_all()

    def set_pumping_light(self, on: bool) -> None:
        """Open or close the 819-nm shutter, which takes its time."""
        with self._lock:
            if (self._shutter.target == 1.0) != on:
                self.advance()
                self._shutter.set(self._time_s, on)

    def set_discharge(self, on: bool) -> None:
        """Without discharge there are no metastable atoms; what is trapped stays its time."""
        with self._lock:
            if on != self._discharge:
                self.advance()
                self._discharge = on

    def lasers_locked(self) -> bool:
        """Whether every trap laser reports lock now."""
        with self._lock:
            self.advance()
            return self._is_locked(self._time_s)

    # --- the loading detector -------------------------------------------------------------------

    def set_quench(self, pulses: PulseTrain) -> float:
        """Let the gate of the quench light play `pulses` from now on; `pulses.start_s` is counted
        from now. Returns rig time now."""
        with self._lock:
            self.advance()
            self._quench = replace(pulses, start_s=self._time_s + pulses.start_s)
            return self._time_s

    def record(self, recording: Recording) -> None:
        """Have `recording` filled when its end has passed; it may have begun in the past."""
        with self._lock:
            self._recordings.append(recording)

    # --- the camera -----------------------------------------------------------------------------

    def set_camera_shutter(self, opened: bool) -> None:
        with self._lock:
            self.advance()
            self.camera.shutter_open = opened

    def start_camera(self, images: int | None) -> float:
        """Expose from now on, back to back. Returns rig time of the start."""
        with self._lock:
            self.advance()
            self.camera.start(self._time_s, images)
            return self._time_s

    def stop_camera(self) -> None:
        with self._lock:
            self.advance()
            self.camera.abort()

    # --- truth ----------------------------------------------------------------------------------

    def status(self) -> AtomsStatus:
        with self._lock:
            self.advance()
            now_s = self._time_s
            isotope = self._isotope(now_s)
            increase = self._increase(isotope, self._world.light.field(), now_s)
            strength = self._strength = self._source.at(now_s)
            self._strength_s = now_s
            return AtomsStatus(
                now_s,
                isotope,
                strength,
                increase,
                self._base_rate_per_s(isotope) * strength * (1.0 + increase) * self._discharge,
                self.single.present,
                self._cloud.atoms,
                self.single.wanted_total,
                self.single.false_total,
                self.camera.overexposed_s,
                self.camera.lost_exposures,
                self._trap_light,
                self._shutter.target == 1.0,
            )

    # --- time -----------------------------------------------------------------------------------

    def advance(self) -> None:
        """Bring everything to the present rig time."""
        with self._lock:
            now_s = self._world.clock.now_s()
            if now_s <= self._time_s:
                return
            field = self._world.light.field()
            idle = not (self.camera.acquiring or self._recordings)
            if idle and now_s - self._time_s > IDLE_S:
                self._time_s = now_s - REMEMBERED_S
                self._lose_all()
            while self._time_s < now_s:
                end_s = min(now_s, self._next_edge_s())
                self._run(self._time_s, end_s, field)
                self._time_s = end_s
                self.camera.reach(end_s)
                self._fill_recordings(end_s)

    def _next_edge_s(self) -> float:
        now_s = self._time_s
        edges = [
            now_s + LONGEST_STEP_S,
            self.camera.next_edge_s(now_s),
            self._quench.next_edge_s(now_s),
            self._shutter.next_edge_s(now_s),
        ]
        edges += [
            edge_s
            for edge_s in (self._locked_s, self._settled_s, *(r.end_s for r in self._recordings))
            if edge_s > now_s + EDGE_TOLERANCE_S
        ]
        return min(edges)

    def _run(self, begin_s: float, end_s: float, field: LightField) -> None:
        """Everything between two edges."""
        middle_s = 0.5 * (begin_s + end_s)
        step_s = end_s - begin_s
        isotope = self._isotope(middle_s)
        if begin_s - self._strength_s >= LONGEST_STEP_S:
            self._strength, self._strength_s = self._source.at(begin_s), begin_s
        strength = self._strength if self._discharge else 0.0
        rate_per_s = 0.0
        if isotope is not None:
            rate_per_s = self._base_rate_per_s(isotope) * strength
            rate_per_s *= 1.0 + self._increase(isotope, field, middle_s)
        abundant = isotope in (83, 84)
        quenched = self._quench.high(middle_s)
        working = self._trap_light and self._is_locked(middle_s)
        atom_s = self.single.run(
            begin_s,
            end_s,
            0.0 if abundant else rate_per_s,
            self._truth.trap.false_counts_per_h / HOUR_S if working else 0.0,
            self._truth.loading.quench_time_s if quenched else math.inf,
        )
        cloud_atom_s = self._cloud.run(begin_s, end_s, rate_per_s if abundant else 0.0, quenched)
        if self.camera.exposing(middle_s):
            light = self._sensor_light(begin_s, end_s, field, atom_s, cloud_atom_s)
            self.camera.expose(light, step_s)

    def _sensor_light(
        self, begin_s: float, end_s: float, field: LightField, atom_s: float, cloud_atom_s: float
    ) -> SensorLight:
        truth = self._truth.camera
        step_s = end_s - begin_s
        glow = truth.background_electrons_px_s * truth.glow_share * step_s * self._discharge
        stray = 0.0
        if self._trap_light:
            stray = truth.background_electrons_px_s * (1.0 - truth.glow_share) * step_s
            stray += self._residual_light(begin_s, end_s)
        opening = self._shutter.opening(0.5 * (begin_s + end_s))
        leak = truth.leak_electrons_px_s * field.power_mw / self._full_power_mw * opening * step_s
        return SensorLight(glow + stray + leak, stray, atom_s, cloud_atom_s)

    # --- the state of the trap --------------------------------------------------------------------

    def _switch(self) -> None:
        """The trap lasers begin to move: everything trapped is lost, and light is left behind."""
        trap = self._truth.trap
        since_s = max(self._time_s - self._locked_s, 0.0)
        left = self._residual_electrons * math.exp(-since_s / trap.residual_decay_s)
        self._residual_electrons = left + trap.residual_electrons_px
        self._locked_s = self._time_s + trap.switching_s
        self._settled_s = self._locked_s + trap.settling_s
        self._addressed = self._nearest_isotope()
        self._lose_all()

    def _lose_all(self) -> None:
        self.single.clear()
        self._cloud.clear()

    def _is_locked(self, time_s: float) -> bool:
        return self._offset_mhz is not None and time_s >= self._locked_s - EDGE_TOLERANCE_S

    def _isotope(self, time_s: float) -> int | None:
        """Isotope that the trap catches at `time_s`: light on, lasers locked and settled."""
        if not self._trap_light or time_s < self._settled_s:
            return None
        return self._addressed

    def _nearest_isotope(self) -> int | None:
        """Isotope whose line the trap lasers are on, with the repumping light that it needs."""
        trap, offset_mhz = self._truth.trap, self._offset_mhz
        if offset_mhz is None:
            return None
        lines = (
            {81: trap.offset_81_mhz, 83: trap.offset_83_mhz, 85: trap.offset_85_mhz}
            if self._odd
            else {84: trap.offset_84_mhz}
        )
        isotope = min(lines, key=lambda i: abs(lines[i] - offset_mhz))
        if abs(lines[isotope] - offset_mhz) > trap.capture_width_mhz:
            return None
        return isotope

    def _base_rate_per_s(self, isotope: int | None) -> float:
        source = self._truth.source
        if isotope == 81:
            return source.counts_81kr_per_h / HOUR_S
        if isotope == 83:
            return source.loading_83kr_per_s
        if isotope == 84:
            return source.loading_84kr_per_s
        if isotope == 85:
            return source.counts_85kr_per_h / HOUR_S
        return 0.0

    def _increase(self, isotope: int | None, field: LightField, time_s: float) -> float:
        opening = self._shutter.opening(time_s)
        if isotope is None or opening == 0.0:
            return 0.0
        return self.pumping.increase(isotope, replace(field, power_mw=field.power_mw * opening))

    def _residual_light(self, begin_s: float, end_s: float) -> float:
        """Electrons per pixel left behind by switches in [begin_s, end_s]: full until the lasers
        are locked, then decaying."""
        decay_s = self._truth.trap.residual_decay_s

        def left(time_s: float) -> float:
            since_s = time_s - self._locked_s
            if since_s <= 0.0:
                return self._residual_electrons * (1.0 - since_s / decay_s)
            return self._residual_electrons * math.exp(-since_s / decay_s)

        return left(begin_s) - left(end_s)

    def _fill_recordings(self, time_s: float) -> None:
        for recording in [r for r in self._recordings if r.end_s <= time_s + EDGE_TOLERANCE_S]:
            self._detector.fill(recording)
            self._recordings.remove(recording)
