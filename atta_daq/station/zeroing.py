"""Zeroing the frequency axis on the reference cell, where everybody can see it."""

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atta_daq.rig.calibrate_axis import zero_finding
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.procedures import zero_on_reference_cell
from atta_daq.station.calibration_keeper import CalibrationKeeper
from atta_daq.station.server import Post
from drivers.errors import DriverError

FloatArray = NDArray[np.float64]


class AxisZeroing:
    """For runs and for the operator alike; posts `cell:detunings`, `cell:volts`, `cell:zero`."""

    def __init__(
        self,
        instruments: Instruments,
        config: RigConfig,
        light: LightControl,
        post: Post,
        keeper: CalibrationKeeper,
        utc_now: Callable[[], float] = time.time,
    ) -> None:
        self._instruments = instruments
        self._config = config
        self._light = light
        self._post = post
        self._keeper = keeper
        self._utc_now = utc_now

    def zero(self, interrupted: Callable[[], str]) -> dict[str, Any]:
        """Give the light its new axis; returns what `cell:zero` says of it.

        `interrupted` is asked at every step for a reason to give up. Raises DriverError; the
        former axis stays then.
        """
        light, former = self._light, self._light.axis
        self._show(np.empty(0), np.empty(0))
        light.zeroing = True
        try:
            axis = zero_on_reference_cell(
                self._instruments, self._config, light, interrupted, self._show
            )
        except DriverError as error:
            self._post("cell:zero", json.dumps({"problem": str(error)}), "major", str(error))
            raise
        finally:
            light.zeroing = False
        shift_mhz = (axis.zero.value - former.zero.value) * former.mhz_per_ratio
        # Stored and in use from here on: the keeper gives the light its new axis.
        self._keeper.keep(
            "axis-zero",
            zero_finding(shift_mhz, axis.zero.value, axis.zero.error, self._shown),
        )
        zero = {
            "ratio": axis.zero.value,
            "error_mhz": axis.zero.error * abs(axis.mhz_per_ratio),
            "shift_mhz": shift_mhz,
            "utc_s": self._utc_now(),
        }
        self._post("cell:zero", json.dumps(zero))
        return zero

    def _show(self, detunings_mhz: FloatArray, volts: FloatArray) -> None:
        self._shown = {"x": detunings_mhz, "y": volts}
        self._post("cell:detunings", detunings_mhz)
        self._post("cell:volts", volts)
