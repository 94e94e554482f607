"""What protects the multiplication register of an EMCCD, the same for every camera driver.

The register ages with the charge that is multiplied in it, and fast above a gain of 300 (Andor,
iXon Ultra 897 hardware guide, "EM gain ageing"). Hence gain only on a cold sensor, never beyond
its limit, never while the rig forbids it, and off after two frames in a row that saturate; the
charge is summed as the register's dose.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InterlockOpen, OutOfRange
from drivers.interfaces import CameraLimits, CameraProtection

STANDARD_GAIN = 300
"""Above it a sensor ages fast; Andor's cameras need 'advanced' gain for it."""
SATURATED_FRACTION = 1e-3
SATURATED_FRAMES = 2
"""More saturated pixels than the fraction in so many frames in a row end the multiplication."""
ELEMENTARY_CHARGE_NC = 1.602176634e-10


class GainRules:
    """When EM gain may be on. `permit` returns why the rig forbids it now, or ''; one that raises
    forbids it, too."""

    def __init__(self, name: str, limits: CameraLimits, permit: Callable[[], str]) -> None:
        self._name = name
        self._limits = limits
        self._permit = permit

    def check_limit(self, gain: int) -> None:
        """Raise OutOfRange for a gain beyond the rig file's limit; nothing was sent."""
        allowed = self._limits.em_gain
        if gain == 0:
            return
        if gain not in allowed:
            raise OutOfRange(
                self._name,
                f"EM gain {gain} is outside {allowed.low:g} to {allowed.high:g}",
                "change the setting or the limit in the rig file",
            )
        if gain > STANDARD_GAIN and not self._limits.em_gain_unlocked:
            raise OutOfRange(
                self._name,
                f"EM gain {gain} is above {STANDARD_GAIN}, where the sensor ages fast",
                "lower it, or set em_gain_unlocked = true in the rig file",
            )

    def forbidden(self) -> str:
        """Why the rig forbids gain now; '' when it does not."""
        try:
            reason = self._permit()
        except Exception as error:  # whatever it was: nobody has said that gain may be on
            reason = f"the rig could not say that it may be on ({type(error).__name__}: {error})"
        return f"EM gain is forbidden: {reason}" if reason else ""

    def not_cold(self, temperature_c: float, stable: bool, words: str = "") -> str:
        """Why gain must wait for the cooler; '' when the sensor is cold."""
        if stable and temperature_c in self._limits.temperature_c:
            return ""
        said = f" ({words})" if words else ""
        return f"no EM gain: the sensor is at {temperature_c:g} °C{said}"

    def require_cold(self, temperature_c: float, stable: bool, words: str = "") -> None:
        """Raise InterlockOpen unless the sensor is cold."""
        if reason := self.not_cold(temperature_c, stable, words):
            allowed = self._limits.temperature_c
            raise InterlockOpen(
                self._name,
                reason,
                f"wait until it is stable between {allowed.low:g} and {allowed.high:g} °C",
            )

    def require_permit(self) -> None:
        """Raise InterlockOpen when the rig forbids gain."""
        if reason := self.forbidden():
            raise InterlockOpen(self._name, reason, "set gain 0 first")


class RegisterGuard:
    """Looks at every frame taken at gain: counts the dose, trips on saturation.

    `bias_adu` and `electrons_per_adu` turn counts into electrons at the register's end; with a
    bias of 0 the dose is an upper bound. Counts at the converter's end hide what lay beyond: in
    saturated pixels the dose is a lower bound. `frame` is called on one thread only.
    """

    def __init__(self, bias_adu: float = 0.0, electrons_per_adu: float = 1.0) -> None:
        self._bias_adu = bias_adu
        self._nc_per_adu = electrons_per_adu * ELEMENTARY_CHARGE_NC
        self._saturated_adu = 65535
        self._in_a_row = 0
        self._dose_nc = 0.0
        self._trips = 0
        self._trip = ""
        self._fraction = 0.0
        self.multiplying = False
        """Whether the acquisition under way has gain."""
        self.unverified = False
        """The camera was told to stop and has not been seen to obey yet."""

    def begin(self, multiplying: bool, saturated_adu: int) -> None:
        """A new acquisition; `saturated_adu` is the converter's highest count."""
        self.multiplying = multiplying
        self._saturated_adu = saturated_adu
        self._in_a_row = 0
        self._trip = ""

    def frame(self, image: NDArray[np.uint16]) -> bool:
        """Take the next frame of the acquisition. True: make the camera safe, now."""
        saturated = 0
        # One look at the brightest pixel is all that nearly every frame costs.
        if int(image.max()) >= self._saturated_adu:
            saturated = int(np.count_nonzero(image >= self._saturated_adu))
        self._fraction = saturated / image.size
        if not self.multiplying:
            return False
        counts = float(image.sum(dtype=np.uint64)) - self._bias_adu * image.size
        # Noise around a dark frame's bias is no charge, and a dose never falls.
        self._dose_nc += max(0.0, counts) * self._nc_per_adu
        self._in_a_row = self._in_a_row + 1 if self._fraction > SATURATED_FRACTION else 0
        if self._in_a_row < SATURATED_FRAMES or self._trip:
            return False
        self.trip(
            f"{100 * self._fraction:.2g} % of the pixels were saturated in {SATURATED_FRAMES} "
            "frames in a row: gain taken away, shutter closed; look for stray light"
        )
        return True

    def trip(self, reason: str) -> None:
        """Note that the gain was taken away and why."""
        self._trips += 1
        self._trip = reason
        self.unverified = True

    def state(self) -> CameraProtection:
        """What it has seen; from any thread."""
        return CameraProtection(self._dose_nc, self._trips, self._trip, self._fraction)
