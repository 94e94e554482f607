"""Polls the camera, carries out its protection, tells its dose."""

from collections.abc import Callable

from atta_daq.station.alarms import Alarms, Cause
from atta_daq.station.register_dose import RegisterDose
from drivers.interfaces import AtomCamera, CameraStatus

Post = Callable[[str, object], None]

READINGS = (
    "camera:temperature",
    "camera:stable",
    "camera:gain",
    "camera:acquiring",
    "camera:shutter",
    "camera:exposure",
    "camera:lost",
    "camera:dose",
    "camera:trip",
)


class CameraWatch:
    """Called on the thread that polls the camera."""

    def __init__(
        self,
        camera: AtomCamera,
        post: Post,
        alarms: Alarms,
        dose: RegisterDose,
        read: Callable[[], CameraStatus] | None = None,
    ) -> None:
        """`read` gives the camera's status; left out, the camera does."""
        self._camera = camera
        self._read = read or camera.status
        self._frames_lost = 0
        self._post = post
        self._alarms = alarms
        self._dose = dose
        self._trips = 0

    def poll(self) -> None:
        """Post what the camera says; take a gain away that may not be on."""
        status = self._read()
        post = self._post
        post("camera:temperature", status.temperature_c)
        post("camera:stable", status.temperature_stable)
        post("camera:gain", status.em_gain)
        post("camera:acquiring", status.acquiring)
        post("camera:shutter", status.shutter_open)
        post("camera:exposure", status.exposure_s)
        post("camera:lost", status.frames_lost)
        if status.frames_lost > self._frames_lost:
            text = f"{status.frames_lost} frames lost of this series; they count as dead time"
            self._alarms.raise_(Cause("camera:frames", "camera", text, "minor", once=True))
        self._frames_lost = status.frames_lost
        try:
            self._camera.enforce()
        finally:
            # Whether or not the camera obeyed: what was found is told.
            self._tell()

    def returned(self) -> None:
        """The camera answers again. Whatever it came up with: gain 0, shutter closed."""
        self._camera.make_safe()

    def _tell(self) -> None:
        protection = self._camera.protection()
        self._dose.session(protection.dose_nc)
        self._post("camera:dose", self._dose.session_nc)
        self._post("camera:dose_total", self._dose.total_nc)
        self._post("camera:trip", protection.trip)
        if protection.trips > self._trips:
            self._trips = protection.trips
            text = protection.trip or "the protection took the gain away; the next start has begun"
            self._alarms.raise_(Cause("camera:tripped", "camera", text, once=True))
