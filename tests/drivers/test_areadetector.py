"""The EMCCD driver against a small pvAccess server with areaDetector's PVs, made here."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from p4p.nt import NTEnum, NTNDArray, NTScalar
from p4p.server import Server, StaticProvider
from p4p.server.thread import SharedPV

from drivers.areadetector import AreaDetectorCamera
from drivers.areadetector_pvs import temperature_is_stable
from drivers.errors import ConnectionLost, DeviceFault, DriverError, InterlockOpen, OutOfRange
from drivers.errors import Timeout as DriverTimeout
from drivers.interfaces import AtomCamera, CameraLimits, CameraSettings, Frame, Identity, Range

LIMITS = CameraLimits(
    exposure_s=Range(0.0004, 10.0), em_gain=Range(2, 300), temperature_c=Range(-100.0, -60.0)
)
SETTINGS = CameraSettings(exposure_s=0.1, roi=(236, 240, 40, 32), em_gain=0)
STABLE = "Stabilized at set point"
IMAGE_MODES = ["Single", "Multiple", "Continuous", "Fast Kinetics"]
TRIGGERS = ["Internal", "External", "External Start", "External Exposure", "External FVP"]
GAIN_MODES = ["8 bit DAC", "12 bit DAC", "Linear Mode", "Real EM Gain"]
SHUTTERS = ["Fully Auto", "Always Open", "Always Closed", "Open for FVB", "Open for Any"]
ENUMERATIONS = {
    "Acquire": (["Done", "Acquire"], 0),
    "ImageMode": (IMAGE_MODES, 0),
    "TriggerMode": (TRIGGERS, 1),
    "DataType": (["UInt16", "UInt32"], 1),
    "AndorReadOutMode": (["FVB", "Image", "Random Track"], 0),
    "ArrayCallbacks": (["Disable", "Enable"], 0),
    "AndorEMGainMode": (GAIN_MODES, 0),
    "AndorEMGainAdvanced": (["Disabled", "Enabled"], 1),
    "AndorShutterMode": (SHUTTERS, 2),
}
INTEGERS = {
    "MinX": 0,
    "MinY": 0,
    "SizeX": 512,
    "SizeY": 512,
    "BinX": 2,
    "BinY": 2,
    "AndorEMGain": 0,
    "ArrayCounter": 0,
}
REALS = {"AcquireTime": 1.0, "AcquirePeriod": 1.0}
READ_ONLY = {
    "Manufacturer_RBV": "Andor",
    "Model_RBV": "DU897_BV",
    "SerialNumber_RBV": "9274",
    "FirmwareVersion_RBV": "1.2",
    "AndorTempStatus_RBV": STABLE,
    "AndorMessage_RBV": " ",
}
PREFIX = "TEST:ANDOR:"


class FakeCamera:
    """The PVs of one camera on ports of its own; `puts` holds what clients wrote, in order."""

    def __init__(self, without: tuple[str, ...] = ()) -> None:
        self.puts: list[tuple[str, float]] = []
        self.stuck: set[str] = set()
        self.rounding: Callable[[str, float], float] = lambda _name, value: value
        self.pvs: dict[str, SharedPV] = {}
        self._lock = threading.Lock()
        for name, (labels, index) in ENUMERATIONS.items():
            for full in (name, f"{name}_RBV"):
                self._add(full, NTEnum(), {"choices": labels, "index": index})
        for name, value in INTEGERS.items():
            self._add(name, NTScalar("i"), value)
            self._add(f"{name}_RBV", NTScalar("i"), value)
        for name, value in REALS.items():
            self._add(name, NTScalar("d"), value)
            self._add(f"{name}_RBV", NTScalar("d"), value)
        for name, text in READ_ONLY.items():
            self._add(name, NTScalar("s"), text)
        self._add("MaxSizeX_RBV", NTScalar("i"), 512)
        self._add("MaxSizeY_RBV", NTScalar("i"), 512)
        self._add("TemperatureActual", NTScalar("d"), -70.0)
        states = ["Idle", "Acquire", "Readout"]
        self._add("DetectorState_RBV", NTEnum(), {"choices": states, "index": 0})
        self.image = SharedPV(initial=self.array(np.zeros((1, 1), np.uint16), 0, 0.0))
        provider = StaticProvider("camera")
        for name, pv in self.pvs.items():
            if name not in without:
                provider.add(f"{PREFIX}cam1:{name}", pv)
        provider.add(f"{PREFIX}Pva1:Image", self.image)
        self._server = Server(providers=[provider], isolate=True)
        port = self._server.conf()["EPICS_PVAS_BROADCAST_PORT"]
        self.address = f"pva://127.0.0.1:{port}/{PREFIX}"

    def _add(self, name: str, nt: object, initial: object) -> None:
        pv = SharedPV(nt=nt, initial=initial)
        self.pvs[name] = pv

        @pv.put
        def put(pv: SharedPV, op: Any) -> None:
            value = float(op.value())
            self.puts.append((name, value))
            if name not in self.stuck:
                self.set(name, value)
                self.set(f"{name}_RBV", self.rounding(name, value))
            if name == "Acquire":
                self.set("DetectorState_RBV", value if name not in self.stuck else 0)
            op.done()

    def set(self, name: str, value: float | str) -> None:
        """Post a value as the server."""
        if name not in self.pvs:
            return
        kept = self.pvs[name].current()
        whole = isinstance(kept, int) and not isinstance(value, str)
        self.pvs[name].post(int(value) if whole else value, timestamp=time.time())

    def get(self, name: str) -> float:
        return float(self.pvs[name].current())

    @staticmethod
    def array(image: np.ndarray, unique_id: int, rig_time_s: float) -> object:
        array = NTNDArray().wrap(image, timestamp=rig_time_s)
        array.uniqueId = unique_id
        return array

    def expose(
        self, unique_id: int, rig_time_s: float = 1.0, image: np.ndarray | None = None
    ) -> None:
        """One frame, whose pixels are all its number unless given."""
        if image is None:
            image = np.full((32, 40), unique_id % 65536, np.uint16)
        self.set("ArrayCounter_RBV", unique_id)
        self.image.post(self.array(image, unique_id, rig_time_s))

    def wrote(self, name: str) -> list[float]:
        return [value for put, value in self.puts if put == name]

    def close(self) -> None:
        self._server.stop()


@pytest.fixture
def fake() -> Iterator[FakeCamera]:
    fake = FakeCamera()
    yield fake
    fake.close()


@pytest.fixture
def camera(fake) -> Iterator[AreaDetectorCamera]:
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=1.0)
    camera.connect()
    yield camera
    camera.close()


def until(reached: Callable[[], bool]) -> None:
    """Wait for another thread; the test's time limit ends a wait in vain."""
    while not reached():
        time.sleep(0.002)


# --- connection ---------------------------------------------------------------------------------


def test_connect_tells_who_answers_and_changes_nothing(fake, camera):
    protocol: AtomCamera = camera
    assert protocol.connect() == Identity("Andor", "DU897_BV", "9274", "1.2")
    assert fake.puts == []


def test_missing_pv_is_named():
    fake = FakeCamera(without=("AndorEMGain_RBV",))
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=0.5)
    with pytest.raises(DriverTimeout, match=r"no answer from cam1:AndorEMGain_RBV at pva://"):
        camera.connect()
    camera.close()
    fake.close()


def test_no_server():
    camera = AreaDetectorCamera("camera", "pva://127.0.0.1:9/NOBODY:", LIMITS, timeout_s=0.3)
    with pytest.raises(ConnectionLost, match=r"no PV answers at pva://127\.0\.0\.1:9/NOBODY:"):
        camera.connect()
    camera.close()


@pytest.mark.parametrize(
    "address", ["127.0.0.1:5076", "pva://127.0.0.1/X:", "pva://127.0.0.1:5076", "pva://h:x/X:"]
)
def test_address_of_another_form(address):
    with pytest.raises(ValueError, match="pva://host:port/PREFIX:"):
        AreaDetectorCamera("camera", address, LIMITS)


def test_not_connected():
    camera = AreaDetectorCamera("camera", "pva://127.0.0.1:9/NOBODY:", LIMITS)
    with pytest.raises(ConnectionLost, match="connect it first"):
        camera.status()


def test_server_that_dies_is_reported(fake, camera):
    fake.close()
    with pytest.raises(DriverError, match="camera"):
        camera.status()


def test_connect_after_close(fake, camera):
    camera.close()
    with pytest.raises(ConnectionLost):
        camera.status()
    assert camera.connect().model == "DU897_BV"
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    camera.start(frames.append)
    fake.expose(1)
    until(lambda: len(frames) == 1)
    camera.stop()


# --- settings -----------------------------------------------------------------------------------


def test_configure_writes_modes_then_region_then_exposure(fake, camera):
    assert camera.configure(SETTINGS) == SETTINGS
    assert fake.puts == [
        ("AndorEMGain", 0),
        ("ImageMode", 2),
        ("TriggerMode", 0),
        ("DataType", 0),
        ("AndorReadOutMode", 1),
        ("AndorEMGainMode", 3),
        ("AndorEMGainAdvanced", 0),
        ("ArrayCallbacks", 1),
        ("BinX", 1),
        ("BinY", 1),
        ("MinX", 236),
        ("MinY", 240),
        ("SizeX", 40),
        ("SizeY", 32),
        ("AcquireTime", 0.1),
        ("AcquirePeriod", 0.1),
    ]


def test_gain_goes_up_last(fake, camera):
    settings = CameraSettings(exposure_s=0.1, roi=(0, 0, 512, 512), em_gain=200)
    assert camera.configure(settings) == settings
    assert fake.puts[0] == ("AndorEMGain", 0)
    assert fake.puts[-1] == ("AndorEMGain", 200)


def test_exposure_rounded_by_the_camera_is_returned(fake, camera):
    fake.rounding = lambda name, value: value * 1.003 if name == "AcquireTime" else value
    assert camera.configure(SETTINGS).exposure_s == pytest.approx(0.1003)


@pytest.mark.parametrize(
    ("name", "kept", "message"),
    [
        ("AcquireTime", 0.2, r"AcquireTime was set to 0\.1 but the camera kept 0\.2"),
        ("SizeX", 39, r"SizeX was set to 40 but the camera kept 39"),
        ("ImageMode", 0, r"ImageMode was set to 2 but the camera kept 0"),
    ],
)
def test_setting_that_was_not_kept_is_a_fault(fake, name, kept, message):
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=0.3)
    camera.connect()
    fake.rounding = lambda put, value: kept if put == name else value
    fake.set("AndorMessage_RBV", "Parameter 1 not valid")
    with pytest.raises(DeviceFault, match=rf"{message}.*Parameter 1 not valid"):
        camera.configure(SETTINGS)
    camera.close()


@pytest.mark.parametrize(
    "settings",
    [
        CameraSettings(0.0001, (0, 0, 40, 40), 0),
        CameraSettings(11.0, (0, 0, 40, 40), 0),
        CameraSettings(0.1, (480, 0, 40, 40), 0),
        CameraSettings(0.1, (0, -1, 40, 40), 0),
        CameraSettings(0.1, (0, 0, 0, 40), 0),
        CameraSettings(0.1, (0, 0, 40, 40), 301),
        CameraSettings(0.1, (0, 0, 40, 40), -1),
    ],
)
def test_beyond_a_limit_nothing_is_written(fake, camera, settings):
    with pytest.raises(OutOfRange):
        camera.configure(settings)
    assert fake.puts == []


def test_nothing_is_changed_while_acquiring(fake, camera):
    fake.set("Acquire_RBV", 1)
    for refused in (
        lambda: camera.configure(SETTINGS),
        lambda: camera.set_em_gain(0),
        camera.open_shutter,
        camera.close_shutter,
    ):
        with pytest.raises(DeviceFault, match="stop it before"):
            refused()
    assert fake.puts == []


def test_camera_without_a_needed_mode(fake, camera):
    fake.pvs["DataType"].post({"choices": ["Int8"], "index": 0})
    camera.connect()
    with pytest.raises(DeviceFault, match="DataType offers"):
        camera.configure(SETTINGS)


def test_status(fake, camera):
    fake.set("AndorEMGain_RBV", 150)
    fake.set("AndorShutterMode", 1)
    fake.set("AndorMessage_RBV", "all well")
    status = camera.status()
    assert (status.acquiring, status.temperature_c, status.temperature_stable) == (
        False,
        -70.0,
        True,
    )
    assert (status.em_gain, status.exposure_s, status.shutter_open) == (150, 1.0, True)
    assert (status.frames_delivered, status.frames_lost, status.message) == (0, 0, "all well")


def test_shutter_is_set_and_read_back(fake, camera):
    camera.open_shutter()
    camera.close_shutter()
    assert fake.wrote("AndorShutterMode") == [1, 2]


def test_stuck_shutter(fake):
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=0.3)
    camera.connect()
    fake.stuck.add("AndorShutterMode")
    with pytest.raises(DeviceFault, match="did not set the shutter Always Open"):
        camera.open_shutter()
    camera.close()


# --- protection of the register -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "stable"),
    [
        ("Stabilized at set point", True),
        ("Temperature has stabilized at set point.", True),
        ("Not stabilized at set point", False),
        ("Temperature has not stabilized.", False),
        ("Stabilized but drifted", False),
        ("Temperature has stabilized but has since drifted.", False),
        ("Not reached setpoint", False),
        ("Cooler is OFF", False),
        ("", False),
    ],
)
def test_words_of_the_temperature_status(status, stable):
    assert temperature_is_stable(status) is stable


@pytest.mark.parametrize(
    ("words", "temperature_c"), [("Not stabilized at set point", -70.0), (STABLE, -20.0)]
)
def test_gain_is_refused_while_warm(fake, camera, words, temperature_c):
    fake.set("AndorTempStatus_RBV", words)
    fake.set("TemperatureActual", temperature_c)
    with pytest.raises(InterlockOpen, match=f"the sensor is at {temperature_c:g} °C"):
        camera.set_em_gain(100)
    with pytest.raises(InterlockOpen):
        camera.configure(CameraSettings(0.1, (0, 0, 40, 40), 100))
    assert fake.puts == []
    camera.set_em_gain(0)
    assert fake.puts == [("AndorEMGain", 0)]


def test_permit_guards_gain_start_and_shutter(fake):
    forbidden = [""]
    camera = AreaDetectorCamera(
        "camera", fake.address, LIMITS, gain_permit=lambda: forbidden[0], timeout_s=1.0
    )
    camera.connect()
    camera.configure(CameraSettings(0.1, (0, 0, 40, 32), 100))
    fake.puts.clear()
    forbidden[0] = "the trap is on 83Kr"
    for refused in (
        lambda: camera.set_em_gain(50),
        lambda: camera.configure(CameraSettings(0.1, (0, 0, 40, 32), 100)),
        lambda: camera.start(lambda _: None),
        camera.open_shutter,
    ):
        with pytest.raises(InterlockOpen, match="EM gain is forbidden: the trap is on 83Kr"):
            refused()
    assert fake.puts == []
    camera.set_em_gain(0)
    camera.open_shutter()
    camera.start(lambda _: None)
    camera.stop()
    camera.close()


def test_start_with_gain_on_a_warm_sensor_is_refused(fake, camera):
    camera.configure(CameraSettings(0.1, (0, 0, 40, 32), 100))
    fake.set("AndorTempStatus_RBV", "Stabilized but drifted")
    with pytest.raises(InterlockOpen):
        camera.start(lambda _: None)
    assert fake.wrote("Acquire") == []


def test_gain_beyond_its_limit_is_refused(fake, camera):
    with pytest.raises(OutOfRange, match="EM gain 1000 is outside 2 to 300"):
        camera.set_em_gain(1000)
    assert fake.puts == []


def test_gain_off_is_as_far_off_as_the_camera_goes(fake, camera):
    fake.rounding = lambda name, value: max(2.0, value) if name == "AndorEMGain" else value
    camera.set_em_gain(0)
    assert fake.get("AndorEMGain_RBV") == 2


def test_make_safe(fake, camera):
    frames: list[Frame] = []
    camera.configure(CameraSettings(0.1, (0, 0, 40, 32), 100))
    camera.open_shutter()
    camera.start(frames.append)
    fake.puts.clear()
    camera.make_safe()
    assert fake.puts[:3] == [("Acquire", 0), ("AndorShutterMode", 2), ("AndorEMGain", 0)]
    status = camera.status()
    assert (status.acquiring, status.shutter_open, status.em_gain) == (False, False, 0)
    fake.expose(1)
    assert frames == []


def test_make_safe_does_the_rest_when_one_step_fails(fake):
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=0.3)
    camera.connect()
    camera.configure(CameraSettings(0.1, (0, 0, 40, 32), 100))
    camera.open_shutter()
    fake.stuck.add("AndorShutterMode")
    with pytest.raises(DeviceFault, match="shutter"):
        camera.make_safe()
    assert fake.get("AndorEMGain_RBV") == 0
    camera.close()


# --- frames -------------------------------------------------------------------------------------


def test_frames_come_in_order_with_shape_and_time(fake, camera):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    camera.start(frames.append)
    pixels = np.arange(32 * 40, dtype=np.uint16).reshape(32, 40)
    fake.expose(1, 1_700_000_000.25, pixels)
    fake.expose(2, 1_700_000_000.35)
    until(lambda: len(frames) == 2)
    camera.stop()
    assert [frame.unique_id for frame in frames] == [1, 2]
    assert frames[0].rig_time_s == pytest.approx(1_700_000_000.25, abs=1e-6)
    np.testing.assert_array_equal(frames[0].image, pixels)
    assert fake.wrote("Acquire")[-2:] == [1, 0]


def test_first_frame_of_the_subscription_is_ignored(fake, camera):
    """A new subscription first delivers the previous acquisition's last frame."""
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    fake.expose(57)
    camera.start(frames.append)
    fake.expose(58)
    until(lambda: len(frames) == 1)
    camera.stop()
    assert frames[0].unique_id == 1
    assert frames[0].image[0, 0] == 58
    assert camera.status().frames_lost == 0


def test_late_frames_of_before_are_ignored(fake, camera):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    fake.expose(57)
    camera.start(frames.append)
    fake.image.post(fake.array(np.full((32, 40), 56, np.uint16), 56, 1.0))
    fake.image.post(fake.array(np.full((32, 40), 57, np.uint16), 57, 1.0))
    fake.expose(58)
    until(lambda: len(frames) == 1)
    camera.stop()
    assert [int(frame.image[0, 0]) for frame in frames] == [58]


def test_gaps_are_counted_also_before_the_first_frame(fake, camera):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    fake.expose(10)
    camera.start(frames.append)
    for unique_id in (12, 13, 17, 18):
        fake.expose(unique_id)
    until(lambda: len(frames) == 4)
    status = camera.status()
    camera.stop()
    assert [frame.unique_id for frame in frames] == [2, 3, 7, 8]
    assert (status.frames_delivered, status.frames_lost) == (4, 4)
    assert status.acquiring


def test_stop_leaves_no_late_frame(fake, camera):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    camera.start(frames.append)
    stopping = threading.Event()

    def expose() -> None:
        for unique_id in range(1, 400):
            fake.expose(unique_id)
            if unique_id == 100:
                stopping.set()

    exposing = threading.Thread(target=expose)
    exposing.start()
    assert stopping.wait(20.0)
    camera.stop()
    at_stop = len(frames)
    exposing.join()
    assert len(frames) == at_stop
    assert [frame.unique_id for frame in frames] == list(range(1, at_stop + 1))


def test_restart_counts_anew(fake, camera):
    camera.configure(SETTINGS)
    for first in (1, 4, 7):
        frames: list[Frame] = []
        camera.start(frames.append)
        for unique_id in range(first, first + 3):
            fake.expose(unique_id)
        until(lambda: len(frames) == 3)  # noqa: B023
        camera.stop()
        assert [frame.unique_id for frame in frames] == [1, 2, 3]
        assert [int(frame.image[0, 0]) for frame in frames] == [first, first + 1, first + 2]
        assert camera.progress().lost == 0


def test_acquisition_left_by_a_crashed_client_is_ended_first(fake, camera):
    camera.configure(SETTINGS)
    fake.set("Acquire_RBV", 1)
    fake.set("DetectorState_RBV", 1)
    camera.start(lambda _: None)
    camera.stop()
    assert fake.wrote("Acquire") == [0, 1, 0]


def test_camera_that_is_not_configured(camera):
    with pytest.raises(DeviceFault, match="configure it"):
        camera.start(lambda _: None)


def test_camera_that_does_not_start(fake):
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=0.3)
    camera.connect()
    camera.configure(SETTINGS)
    fake.stuck.add("Acquire")
    with pytest.raises(DeviceFault, match="did not start"):
        camera.start(lambda _: None)
    camera.close()


def test_counter_is_reset_long_before_it_runs_over(fake, camera):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    fake.expose(2**30 + 5)
    camera.start(frames.append)
    assert fake.wrote("ArrayCounter") == [0]
    fake.image.post(fake.array(np.zeros((32, 40), np.uint16), 2**30 + 6, 1.0))
    fake.expose(1)
    until(lambda: len(frames) == 1)
    camera.stop()
    assert (frames[0].unique_id, camera.progress().lost) == (1, 0)


def test_progress_tells_a_stall(fake):
    now = [100.0]
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, monotonic=lambda: now[0])
    camera.connect()
    camera.configure(SETTINGS)
    assert camera.progress().last_frame_wall_s is None
    camera.start(lambda _: None)
    fake.expose(1)
    until(lambda: camera.progress().delivered == 1)
    now[0] = 105.0
    assert camera.progress().last_frame_wall_s == 100.0
    camera.stop()
    camera.close()


def test_sink_that_fails_ends_the_stream_and_is_told(fake, camera, caplog):
    def sink(frame: Frame) -> None:
        raise RuntimeError("disk full")

    camera.configure(SETTINGS)
    camera.start(sink)
    fake.expose(1)
    until(lambda: bool(camera.progress().failure))
    assert "disk full" in camera.status().message
    assert "frame dropped" in caplog.text
    camera.stop()


@pytest.mark.parametrize("image", [np.zeros((32, 40), np.float64), np.zeros((2, 3, 4), np.uint16)])
def test_frames_of_another_type_end_the_stream(fake, camera, caplog, image):
    frames: list[Frame] = []
    camera.configure(SETTINGS)
    camera.start(frames.append)
    fake.expose(1, image=image)
    until(lambda: "cannot be used" in camera.progress().failure)
    assert frames == []
    assert "frame dropped" in caplog.text
    camera.stop()


def test_lost_server_ends_the_stream(fake, camera):
    camera.configure(SETTINGS)
    camera.start(lambda _: None)
    fake.close()
    until(lambda: bool(camera.progress().failure))
    assert "connection" in camera.progress().failure
