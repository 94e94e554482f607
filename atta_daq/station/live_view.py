"""Live pictures of the trap at gain, outside a run."""

from atta_daq.rig.config import RigConfig
from atta_daq.rig.frame_pump import FramePump
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.taker import SegmentTaker
from atta_daq.station.activity import Activity
from atta_daq.station.lease import Lease
from atta_daq.station.log import Say
from drivers.errors import DeviceFault

WITHOUT_END = 1 << 62
"""Exposures."""


class LiveView:
    """The work of an activity: the trap on `isotope` (0: blank), the camera at gain.

    The camera's driver refuses the gain as it does in a run: near an abundant isotope, or warm.
    Whoever ends the activity darkens the camera. It ends by itself when `lease` lapses: a window
    that was closed or killed leaves no gain behind.
    """

    def __init__(
        self,
        isotope: int,
        instruments: Instruments,
        config: RigConfig,
        taker: SegmentTaker,
        lease: Lease,
        say: Say,
    ) -> None:
        self.name = f"camera view {f'{isotope}Kr' if isotope else 'blank'}"
        self._isotope = isotope
        self._camera = instruments.camera
        self._config = config
        self._taker = taker
        self._say = say
        self.lease = lease

    def __call__(self, activity: Activity) -> None:
        taker = self._taker
        if not activity.carries_out(
            taker.configure_camera, taker.trap.light_on, lambda: taker.trap.to(self._isotope)
        ):
            return
        self._camera.set_em_gain(self._config.camera.em_gain)
        self._camera.open_shutter()
        taker.provisional.begin()
        pump = FramePump(WITHOUT_END, 0, self._config.camera.frame_shape, (taker.provisional.add,))
        with pump.fed_by(self._camera):
            self.lease.renew()
            activity.ready()
            cause = pump.wait(taker.stall_s, lambda: self._why_end(activity))
        if not activity.ending:
            raise DeviceFault("camera", cause, "see the camera's server, then watch again")

    def _why_end(self, activity: Activity) -> str:
        if self.lease.lapsed and not activity.ending:
            activity.end(f"nobody has asked for it for {self.lease.lasts_s:.0f} s")
            self._say(f"{self.name} ended: {activity.ending}", "warning")
        return activity.ending or self._camera.protection().trip
