"""What hangs on the two boxes of a pair: the seed diode on one, the amplifier chip on the other."""

from typing import Protocol

from simulators.world.cooler import Cooler
from simulators.world.light import Light


class Laser(Protocol):
    """A laser diode as its driver box meets it. Currents in A. Call with `world.lock` held."""

    name: str

    @property
    def cooler(self) -> Cooler: ...

    @property
    def on(self) -> bool: ...

    @property
    def set_a(self) -> float: ...

    @property
    def flowing_a(self) -> float: ...

    @property
    def photocurrent_a(self) -> float: ...

    @property
    def trip(self) -> str:
        """Why the box switched it off by itself; empty when it did not."""
        ...

    @property
    def inhibited(self) -> bool:
        """The rear input LD-ENABLE holds it."""
        ...

    def switch(self, on: bool) -> None: ...

    def set_current(self, current_a: float) -> None: ...


class SeedLaser:
    """The seed diode. Its box's photodiode looks at the light that reaches the amplifier."""

    name = "seed"
    inhibited = False
    """Nothing is wired to the rear input of this box: it rests high."""

    def __init__(self, light: Light, milliampere_per_mw: float) -> None:
        self._light = light
        self._ampere_per_mw = 1e-3 * milliampere_per_mw

    @property
    def cooler(self) -> Cooler:
        return self._light.coolers["seed"]

    @property
    def on(self) -> bool:
        self._light.advance()
        return self._light.seed.enabled

    @property
    def set_a(self) -> float:
        return self._light.seed.current_ma / 1000.0

    @property
    def flowing_a(self) -> float:
        return self.set_a if self.on and self._light.seed.powered else 0.0

    @property
    def photocurrent_a(self) -> float:
        return max(0.0, self._ampere_per_mw * self._light.seed_reading_mw())

    @property
    def trip(self) -> str:
        self._light.advance()
        return self._light.seed_trip

    def switch(self, on: bool) -> None:
        self._light.set_seed(enabled=on)

    def set_current(self, current_a: float) -> None:
        self._light.set_seed(current_ma=1000.0 * current_a)


class AmplifierLaser:
    """The amplifier chip; the photodiode looks at its output, broadband light included."""

    name = "amplifier"

    def __init__(self, light: Light, milliampere_per_mw: float) -> None:
        self._light = light
        self._ampere_per_mw = 1e-3 * milliampere_per_mw

    @property
    def cooler(self) -> Cooler:
        return self._light.coolers["amplifier"]

    @property
    def on(self) -> bool:
        self._light.advance()
        return self._light.amplifier.enabled

    @property
    def set_a(self) -> float:
        return self._light.amplifier.current_ma / 1000.0

    @property
    def flowing_a(self) -> float:
        self._light.advance()
        return self._light.amplifier.current_a

    @property
    def photocurrent_a(self) -> float:
        return max(0.0, self._ampere_per_mw * self._light.output_power_mw())

    @property
    def trip(self) -> str:
        self._light.advance()
        return self._light.amplifier_trip

    @property
    def inhibited(self) -> bool:
        self._light.advance()
        return self._light.line.inhibits

    def switch(self, on: bool) -> None:
        self._light.set_amplifier(enabled=on)

    def set_current(self, current_a: float) -> None:
        self._light.set_amplifier(current_ma=1000.0 * current_a)
