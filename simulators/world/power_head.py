"""Photodiode head of the power meter, on a pick-off behind the fibre, in front of the shutter."""

from typing import TYPE_CHECKING

from simulators.truth import PowerHead as PowerHeadTruth
from simulators.world.processes import OrnsteinUhlenbeck

if TYPE_CHECKING:
    from simulators.world.world import World

TRUE_NM = 819.2


class PowerHead:
    """Sees a constant share of all light that leaves the fibre, whether or not the 819-nm shutter
    lets it through to the atoms; the amplifier's broadband light too, which is taken to pass the
    fibre as the rest does. Call it with `world.lock` held.

    Its responsivity is off by a constant factor and grows in proportion to the wavelength, as
    that of silicon does below 900 nm; its dark current wanders.
    """

    def __init__(self, world: "World") -> None:
        truth: PowerHeadTruth = world.truth.power_head
        self._world = world
        self._truth = truth
        self._noise = world.streams["power meter"]
        self._dark = OrnsteinUhlenbeck(
            truth.dark_drift_mw,
            truth.dark_time_s,
            world.clock.now_s(),
            world.streams["power meter dark current"],
        )

    def true_power_mw(self) -> float:
        """Light on the head (mW)."""
        light = self._world.light
        return light.output_power_mw() * self._world.truth.light.transmission * self._truth.share

    def dark_mw(self) -> float:
        """What it shows in the dark, without noise (mW)."""
        return self._truth.dark_mw + self._dark.at(self._world.clock.now_s())

    def shown_mw(self, wavelength_nm: float) -> float:
        """What it shows when corrected for `wavelength_nm`, before any dark zero (mW)."""
        light_mw = self.true_power_mw() * self._truth.responsivity_error
        noise_mw = self._truth.floor_mw * float(self._noise.standard_normal())
        noise_mw += light_mw * self._truth.relative_noise * float(self._noise.standard_normal())
        return (light_mw + noise_mw + self.dark_mw()) * TRUE_NM / wavelength_nm
