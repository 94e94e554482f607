"""Live pictures of the trap at gain, outside a run."""

from atta_daq.rig.config import RigConfig
from atta_daq.rig.frame_pump import FramePump
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.taker import SegmentTaker
from atta_daq.station.activity import Activity
from drivers.errors import DeviceFault

WITHOUT_END = 1 << 62
"""Exposures."""


class LiveView:
    """The work of an activity: the trap on `isotope` (0: blank), the camera at gain.

    The camera's driver refuses the gain as it does in a run: near an abundant isotope, or warm.
    Whoever ends the activity darkens the camera.
    """

    def __init__(
        self, isotope: int, instruments: Instruments, config: RigConfig, taker: SegmentTaker
    ) -> None:
        self.name = f"camera view {f'{isotope}Kr' if isotope else 'blank'}"
        self._isotope = isotope
        self._camera = instruments.camera
        self._config = config
        self._taker = taker

    def __call__(self, activity: Activity) -> None:
        taker = self._taker
        taker.configure_camera()
        taker.trap.light_on()
        taker.trap.to(self._isotope)
        if activity.ending:
            return
        self._camera.set_em_gain(self._config.camera.em_gain)
        self._camera.open_shutter()
        taker.provisional.begin()
        pump = FramePump(WITHOUT_END, 0, (taker.provisional.add,))
        try:
            self._camera.start(pump)
            activity.ready()
            cause = pump.wait(taker.stall_s, lambda: activity.ending or self._tripped())
        finally:
            try:
                self._camera.stop()
            finally:
                pump.finish()
        if not activity.ending:
            raise DeviceFault("camera", cause, "see the camera's server, then watch again")

    def _tripped(self) -> str:
        return self._camera.protection().trip
