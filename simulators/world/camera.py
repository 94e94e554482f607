"""The EMCCD in time: cooler, shutter, and exposures back to back on the rig's clock."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.truth import Camera as CameraTruth
from simulators.world.emccd import ADC_MAXIMUM, FrameSampler, Readout, Spot

AMBIENT_C = 20.0
GAIN_REFERENCE_C = -70.0
"""Sensor temperature at which the true gain is `gain_scale` times the set one."""
STABLE_WITHIN_K = 0.5
EDGE_TOLERANCE_S = 1e-6
"""Rig time has a resolution of 0.24 us: edges nearer than this are the same moment."""
ELEMENTARY_CHARGE_NC = 1.602176634e-10
CLOUD_SIGMA_FACTOR = 6.0
"""A cloud is this much larger than the image of a single atom."""


class Cooler:
    """Thermoelectric cooler: the sensor relaxes exponentially to its target."""

    def __init__(self, time_constant_s: float, cold: bool, start_s: float) -> None:
        self._time_constant_s = time_constant_s
        self._time_s = start_s
        self.setpoint_c = GAIN_REFERENCE_C
        self.on = True
        self.failed = False
        self._temperature_c = self.setpoint_c if cold else AMBIENT_C
        self._was_stable = cold

    def temperature_c(self, time_s: float) -> float:
        """Sensor temperature; an earlier time gives the latest value."""
        if time_s > self._time_s:
            target_c = self.setpoint_c if self.on and not self.failed else AMBIENT_C
            decay = math.exp(-(time_s - self._time_s) / self._time_constant_s)
            self._temperature_c = target_c + (self._temperature_c - target_c) * decay
            self._time_s = time_s
        return self._temperature_c

    def status(self, time_s: float) -> str:
        """Andor's words, as ADAndor passes them on."""
        if not self.on:
            return "Cooler is OFF"
        if abs(self.temperature_c(time_s) - self.setpoint_c) <= STABLE_WITHIN_K:
            self._was_stable = True
            return "Stabilized at set point"
        return "Stabilized but drifted" if self._was_stable else "Not reached setpoint"

    def set(
        self, time_s: float, *, setpoint_c: float | None = None, on: bool | None = None
    ) -> None:
        """Change setpoint or switch at `time_s`."""
        self.temperature_c(time_s)
        if setpoint_c is not None:
            self.setpoint_c = setpoint_c
        if on is not None:
            self.on = on
        self._was_stable = False

    def fail(self, time_s: float, failed: bool) -> None:
        """Fault: the cooler loses its grip and the sensor warms up, whatever is set."""
        self.temperature_c(time_s)
        self.failed = failed


@dataclass(frozen=True)
class CameraSetup:
    """Settings of one acquisition. Pixels are counted from 0 on the sensor."""

    exposure_s: float = 0.1
    period_s: float = 0.1
    """From start to start; not below `exposure_s` (frame transfer: no dead time)."""
    min_x: int = 0
    min_y: int = 0
    size_x: int = 512
    size_y: int = 512
    bin_x: int = 1
    bin_y: int = 1
    em_gain: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of a frame."""
        return self.size_y // self.bin_y, self.size_x // self.bin_x


@dataclass(frozen=True)
class SensorLight:
    """Light on the open sensor in an interval."""

    pixel_electrons: float = 0.0
    """Even light, expected electrons per unbinned pixel, power noise not yet applied."""
    noisy_electrons: float = 0.0
    """The part of it that carries the power noise of the 811-nm light."""
    atom_s: float = 0.0
    """Summed presence of single atoms."""
    cloud_atom_s: float = 0.0
    """Integral of the atom number of a cloud."""


@dataclass(frozen=True)
class Exposure:
    """One finished exposure, not yet read out."""

    number: int
    """Counts the exposures of this acquisition from 0."""
    end_s: float
    light: SensorLight
    readout: Readout
    setup: CameraSetup


class Emccd:
    """Collects light exposure by exposure; `frame` reads one out.

    The owner of the atoms cuts time at `next_edge_s` and hands over what fell on the sensor, so
    an exposure is exact whatever happened inside it and however late it is asked for.
    """

    BUFFER = 4096
    BUFFER_PIXELS = 1 << 25
    """Exposures kept for a reader that is late; older ones are lost, as in the real camera."""

    def __init__(self, truth: CameraTruth, start_s: float, stream: np.random.Generator) -> None:
        self._truth = truth
        self._stream = stream
        self._sampler = FrameSampler(stream)
        self.cooler = Cooler(truth.cooling_time_s, truth.starts_cold, start_s)
        self.setup = CameraSetup(size_x=truth.sensor_px, size_y=truth.sensor_px)
        self.shutter_open = False
        self.exposures: deque[Exposure] = deque()
        self.overexposed_s = 0.0
        """Derived truth: time for which a cloud shone on the multiplying sensor."""
        self.register_charge_nc = 0.0
        """Derived truth: mean charge of the region that left the register at gain."""
        self.saturated_exposures = 0
        """Derived truth: exposures at gain whose mean pixel lay beyond the converter."""
        self.light_leak_electrons_px_s = 0.0
        """Fault: light that gets in from outside while the shutter is open."""
        self.lost_exposures = 0
        """Since the start, because nobody read them out in time."""
        self._start_s: float | None = None
        self._images: int | None = None
        self._number = 0
        self._darken()

    @property
    def acquiring(self) -> bool:
        return self._start_s is not None

    def start(self, time_s: float, images: int | None) -> None:
        """Begin exposing at `time_s`; stop by itself after `images` (None: run until abort)."""
        self._start_s = time_s
        self._images = images
        self._number = 0
        self._darken()
        self.exposures.clear()

    def abort(self) -> None:
        """Stop at once; the unfinished exposure is thrown away."""
        self._start_s = None

    def next_edge_s(self, time_s: float) -> float:
        """Next start or end of an exposure after `time_s` (infinity if none)."""
        if self._start_s is None:
            return math.inf
        begin_s = self._start_s + self._number * self.setup.period_s
        if time_s < begin_s - EDGE_TOLERANCE_S:
            return begin_s
        return begin_s + self.setup.exposure_s

    def exposing(self, time_s: float) -> bool:
        """Whether an exposure with open shutter is under way at `time_s` (not an edge)."""
        if self._start_s is None or not self.shutter_open:
            return False
        return time_s > self._start_s + self._number * self.setup.period_s

    def expose(self, light: SensorLight, duration_s: float) -> None:
        """Light that fell on the sensor during an interval inside one exposure."""
        # four sums, not one object a step: this runs thousands of times a second
        self._pixel_electrons += light.pixel_electrons
        self._noisy_electrons += light.noisy_electrons
        self._atom_s += light.atom_s
        self._cloud_atom_s += light.cloud_atom_s
        if light.cloud_atom_s > 0.0 and self.setup.em_gain > 1:
            self.overexposed_s += duration_s

    def reach(self, time_s: float) -> None:
        """Finish the exposure that ends at `time_s`, if one does."""
        if self._start_s is None:
            return
        setup = self.setup
        end_s = self._start_s + self._number * setup.period_s + setup.exposure_s
        if time_s < end_s - EDGE_TOLERANCE_S:
            return
        if self.shutter_open:
            self._pixel_electrons += self.light_leak_electrons_px_s * setup.exposure_s
        light = SensorLight(
            self._pixel_electrons, self._noisy_electrons, self._atom_s, self._cloud_atom_s
        )
        readout = self._readout(end_s)
        self.exposures.append(Exposure(self._number, end_s, light, readout, setup))
        if readout.multiplies:
            self._age_register(light, readout)
        rows, columns = setup.shape
        if len(self.exposures) > min(self.BUFFER, self.BUFFER_PIXELS // (rows * columns)):
            self.exposures.popleft()
            self.lost_exposures += 1
        self._darken()
        self._number += 1
        if self._images is not None and self._number >= self._images:
            self._start_s = None

    def _age_register(self, light: SensorLight, readout: Readout) -> None:
        """Add the expected charge of one exposure of the region to the register's."""
        truth, setup = self._truth, self.setup
        rows, columns = setup.shape
        cloud = light.cloud_atom_s * truth.electrons_per_atom_s
        even = (light.pixel_electrons + cloud * truth.cloud_halo_per_px) * setup.bin_x * setup.bin_y
        pixel = min(even + truth.clock_induced_charge, readout.full_well_electrons)
        # A cloud fills its pixels; what is beyond the full well spills and is not multiplied.
        spot_px = 2.0 * math.pi * (truth.spot_sigma_px * CLOUD_SIGMA_FACTOR) ** 2
        spot = light.atom_s * truth.electrons_per_atom_s
        spot += min(cloud, spot_px * readout.full_well_electrons)
        electrons = pixel * rows * columns + spot
        self.register_charge_nc += electrons * readout.gain * ELEMENTARY_CHARGE_NC
        if truth.bias_adu + pixel * readout.gain / truth.electrons_per_adu > ADC_MAXIMUM:
            self.saturated_exposures += 1

    def _darken(self) -> None:
        self._pixel_electrons = self._noisy_electrons = 0.0
        self._atom_s = self._cloud_atom_s = 0.0

    def _readout(self, time_s: float) -> Readout:
        truth = self._truth
        warmer_k = self.cooler.temperature_c(time_s) - GAIN_REFERENCE_C
        gain = self.setup.em_gain * truth.gain_scale * math.exp(truth.gain_drift_per_k * warmer_k)
        return Readout(
            gain if self.setup.em_gain > 1 else 1.0,
            truth.read_noise_electrons,
            truth.electrons_per_adu,
            truth.bias_adu,
            truth.full_well_electrons,
        )

    def dark_frame(self, time_s: float) -> NDArray[np.uint16]:
        """A frame with the present settings and the shutter closed."""
        dark = Exposure(0, time_s, SensorLight(), self._readout(time_s), self.setup)
        return self.frame(dark)

    def frame(self, exposure: Exposure) -> NDArray[np.uint16]:
        """Draw the frame of `exposure`: (rows, columns), ADU."""
        truth, setup, light = self._truth, exposure.setup, exposure.light
        even = light.pixel_electrons - light.noisy_electrons
        noise = 1.0 + truth.background_noise * float(self._stream.standard_normal())
        even += light.noisy_electrons * max(noise, 0.0)
        cloud_electrons = light.cloud_atom_s * truth.electrons_per_atom_s
        even += cloud_electrons * truth.cloud_halo_per_px
        background = even * setup.bin_x * setup.bin_y + truth.clock_induced_charge
        size = CLOUD_SIGMA_FACTOR if cloud_electrons > 0.0 else 1.0
        spot = Spot(
            light.atom_s * truth.electrons_per_atom_s + cloud_electrons,
            # the centre of binned pixel i lies at (i + 1/2) bin - 1/2 on the sensor
            (truth.trap_x_px - setup.min_x + 0.5) / setup.bin_x - 0.5,
            (truth.trap_y_px - setup.min_y + 0.5) / setup.bin_y - 0.5,
            truth.spot_sigma_px * size / setup.bin_x,
            truth.spot_sigma_px * size / setup.bin_y,
        )
        return self._sampler.frame(background, spot, setup.shape, exposure.readout)
