"""What the cables of the Red Pitayas of the rig lead to."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from simulators.world.cavity_scan import Triangle
from simulators.world.loading import Recording
from simulators.world.quench import DARK, PulseTrain
from simulators.world.world import World

Role = Literal["trap_switch", "loading", "reference_cell", "lock"]

UNCONNECTED_NOISE_V = 2e-4


@dataclass(frozen=True)
class Waveform:
    """What a generator output plays from its start on: `pulses` between two levels, or a level."""

    low_v: float
    high_v: float
    pulses: PulseTrain
    shape: str = "DC"
    frequency_hz: float = 0.0
    amplitude_v: float = 0.0
    offset_v: float = 0.0
    cycles: float = float("inf")


class Wiring(Protocol):
    """The rig as one board sees it."""

    def drive(self, pin: str, high: bool) -> None:
        """An output pin took this level."""
        ...

    def sense(self, pin: str) -> bool:
        """Level at an input pin."""
        ...

    def play(self, output: int, waveform: Waveform | None) -> float:
        """A generator output starts `waveform`; None: it is off. Returns rig time of the start."""
        ...

    def adjust(self, output: int, waveform: Waveform) -> None:
        """A generator output that plays got other settings."""
        ...

    def begin(self, recording: Recording) -> None:
        """A digitiser wants this stretch of both inputs."""
        ...

    def poll(self, recording: Recording) -> None:
        """Fill `recording` if its end has passed."""
        ...


class _Bare:
    """Nothing is connected: inputs see noise, outputs end in the air."""

    def __init__(self, world: World, role: Role) -> None:
        self._world = world
        self._noise = world.streams[f"open inputs {role}"]

    def drive(self, pin: str, high: bool) -> None:
        del pin, high

    def sense(self, pin: str) -> bool:
        del pin
        return False

    def play(self, output: int, waveform: Waveform | None) -> float:
        del output, waveform
        return self._world.clock.now_s()

    def adjust(self, output: int, waveform: Waveform) -> None:
        del output, waveform

    def begin(self, recording: Recording) -> None:
        del recording

    def poll(self, recording: Recording) -> None:
        if recording.volts is None and self._world.clock.now_s() >= recording.end_s:
            noise = UNCONNECTED_NOISE_V * self._noise.standard_normal((2, recording.samples))
            recording.volts = (noise[0], noise[1])


class TrapSwitchWiring(_Bare):
    """Shutter, trap light, repumpers, and the line that reports the locks."""

    def drive(self, pin: str, high: bool) -> None:
        atoms = self._world.atoms
        if pin == "DIO0_P":
            atoms.set_pumping_light(high)
        elif pin == "DIO1_P":
            atoms.set_trap_light(high)
        elif pin == "DIO2_P":
            atoms.set_odd(high)

    def sense(self, pin: str) -> bool:
        return pin == "DIO3_P" and self._world.atoms.lasers_locked()


class LoadingWiring(_Bare):
    """OUT1 gates the quench light; IN1 and IN2 are the photodiodes."""

    GATE_THRESHOLD_V = 0.5

    def play(self, output: int, waveform: Waveform | None) -> float:
        if output != 1:
            return super().play(output, waveform)
        pulses = DARK
        if waveform is not None and waveform.high_v > self.GATE_THRESHOLD_V:
            pulses = waveform.pulses
            if waveform.low_v > self.GATE_THRESHOLD_V:
                # never low: the gate stays open
                pulses = PulseTrain(0.0, 1.0, 1.0, float("inf"))
        return self._world.atoms.set_quench(pulses)

    def begin(self, recording: Recording) -> None:
        self._world.atoms.record(recording)

    def poll(self, recording: Recording) -> None:
        self._world.atoms.advance()


class CellWiring(_Bare):
    """IN1: modulation-transfer signal; IN2: monitor of the light to the cell."""

    def poll(self, recording: Recording) -> None:
        world = self._world
        if recording.volts is not None or world.clock.now_s() < recording.end_s:
            return
        with world.lock:
            signal_v = world.cell.error_signal_v(recording.samples, recording.dt_s)
            monitor_v = np.full(recording.samples, world.cell.monitor_v())
        monitor_v += UNCONNECTED_NOISE_V * self._noise.standard_normal(recording.samples)
        recording.volts = (signal_v, monitor_v)


class LockWiring(_Bare):
    """OUT1: ramp of the cavity; OUT2: piezo of the laser; IN1: 811 nm, IN2: 819 nm behind the
    cavity."""

    def __init__(self, world: World, role: Role) -> None:
        super().__init__(world, role)
        self._ramp = Triangle(world.clock.now_s(), 1.0, 0.0, 0.0, 0.0)
        with world.lock:
            world.scan.take_over()

    def play(self, output: int, waveform: Waveform | None) -> float:
        start_s = self._world.clock.now_s()
        if output == 2:
            self._set_laser(0.0 if waveform is None else waveform.high_v)
        elif waveform is None:
            self._ramp = Triangle(start_s, 1.0, 0.0, 0.0, 0.0)
        else:
            self._ramp = _triangle(start_s, waveform)
        return start_s

    def adjust(self, output: int, waveform: Waveform) -> None:
        if output == 2:
            self._set_laser(waveform.high_v)
        else:
            self._ramp = _triangle(self._ramp.start_s, waveform)

    def _set_laser(self, volts: float) -> None:
        with self._world.lock:
            self._world.scan.set_laser(volts)

    def poll(self, recording: Recording) -> None:
        if recording.volts is not None or self._world.clock.now_s() < recording.end_s:
            return
        times_s: NDArray[np.float64] = np.arange(recording.samples, dtype=np.float64)
        times_s = recording.begin_s + recording.dt_s * times_s
        with self._world.lock:
            recording.volts = self._world.scan.traces_v(times_s, self._ramp)


def _triangle(start_s: float, waveform: Waveform) -> Triangle:
    """Only the triangle scans the cavity; other shapes are as good as a level."""
    amplitude_v = waveform.amplitude_v if waveform.shape == "TRIANGLE" else 0.0
    return Triangle(start_s, waveform.frequency_hz, amplitude_v, waveform.offset_v, waveform.cycles)


def wiring(world: World, role: Role) -> Wiring:
    """The wiring of the board in `role`."""
    kinds = {
        "trap_switch": TrapSwitchWiring,
        "loading": LoadingWiring,
        "reference_cell": CellWiring,
        "lock": LockWiring,
    }
    return kinds[role](world, role)
