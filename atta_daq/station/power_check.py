"""The power meter in the station: served, and held against the amplifier's own monitor.

The monitor sees the amplifier's output in front of fibre and optics; `monitor_ratio` takes it to
the source. A coupling that drifts, or a monitor that lies, shows as a disagreement with the meter
behind the fibre.
"""

import math
from collections.abc import Callable
from typing import Any

from atta_daq.rig.config import RigConfig
from atta_daq.station.server import StationServer
from drivers.interfaces import PowerMeter

NONE = "the rig file names no power meter"


class PowerCheck:
    """`poll` is called on one thread. `read` gives a reading of the station, None while stale."""

    def __init__(
        self, config: RigConfig, server: StationServer, read: Callable[[str], Any]
    ) -> None:
        self._config = config
        self._server = server
        self._read = read
        if config.power_meter is None:
            server.stale(("power_meter:",), NONE)

    def poll(self, meter: PowerMeter) -> None:
        """Read the meter and serve it."""
        assert self._config.power_meter is not None
        reading = meter.read()
        post = self._server.post
        post("power_meter:overrange", reading.over_range, "major" if reading.over_range else "")
        for name, value in (
            ("wavelength", reading.wavelength_nm),
            ("range", reading.range_mw),
            ("dark", reading.dark_mw),
            ("zeroing", reading.zeroing),
        ):
            if value is None:
                self._server.stale((f"power_meter:{name}",), "the meter does not tell")
            else:
                post(f"power_meter:{name}", value)
        if reading.over_range or reading.zeroing:
            shown = ("power_meter:power", "power_meter:source_power", "power_meter:disagreement")
            self._server.stale(shown, "over range" if reading.over_range else "dark zero under way")
            return
        source_mw = reading.power_mw * self._config.power_meter.source_over_head
        post("power_meter:power", reading.power_mw)
        post("power_meter:source_power", source_mw)
        difference = self._disagreement(source_mw)
        if math.isnan(difference):
            self._server.stale(("power_meter:disagreement",), "too little light to compare")
        else:
            post("power_meter:disagreement", difference)

    def _disagreement(self, source_mw: float) -> float:
        """Meter over monitor, less 1; NaN while there is too little light, or no monitor."""
        assert self._config.power_meter is not None
        monitor_mw = self._read("light:power")
        least_mw = self._config.power_meter.compare_above_mw
        # Either may be the one that fails: with light on one of them they are compared.
        if monitor_mw is None or max(monitor_mw, source_mw) < least_mw:
            return math.nan
        return source_mw / max(monitor_mw, 1e-3 * least_mw) - 1.0
