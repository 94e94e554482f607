"""Photodiodes on the trap: voltages at the inputs of the loading detector's digitiser."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulators.truth import Loading as LoadingTruth
from simulators.world.cloud import Cloud


@dataclass(eq=False)
class Recording:
    """A stretch of time that a digitiser wants; filled when its end has passed."""

    begin_s: float
    """Rig time of the first sample."""
    dt_s: float
    samples: int
    averaged: bool = True
    """A sample is the mean over its interval; else the value at its beginning."""
    volts: tuple[NDArray[np.float64], NDArray[np.float64]] | None = field(default=None)
    """IN1 and IN2, before the converter."""

    @property
    def end_s(self) -> float:
        return self.begin_s + self.samples * self.dt_s


class LoadingDetector:
    """IN1: 877.9-nm light, which the atoms give off while the quench light empties the trap.
    IN2: 811-nm fluorescence of what is in the trap.

    Both see stray light and electronic noise. The technical noise of a burst is a factor that
    belongs to the trap cycle and stands in the cloud's history.
    """

    def __init__(self, truth: LoadingTruth, cloud: Cloud, stream: np.random.Generator) -> None:
        self._truth = truth
        self._cloud = cloud
        self._stream = stream

    def fill(self, recording: Recording) -> None:
        """Put voltages into a recording whose end has passed."""
        truth = self._truth
        atoms, in_light = self._seen(recording)
        noise = truth.voltage_noise_v * self._stream.standard_normal((2, recording.samples))
        recording.volts = (
            truth.background_v + truth.volts_per_atom_83 * in_light + noise[0],
            truth.background_v + truth.volts_per_atom_84 * atoms + noise[1],
        )

    def _seen(self, recording: Recording) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Visible atoms at each sample, all and those in quench light."""
        if recording.averaged:
            return self._cloud.means(recording.begin_s, recording.dt_s, recording.samples)
        steps_s = recording.dt_s * np.arange(recording.samples, dtype=np.float64)
        atoms, quenched = self._cloud.history(recording.begin_s + steps_s)
        return atoms, atoms * quenched
