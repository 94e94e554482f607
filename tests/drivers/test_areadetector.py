"""The EMCCD driver against a small pvAccess server with areaDetector's PVs, made here."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from drivers.areadetector import AreaDetectorCamera
from drivers.areadetector_pvs import temperature_is_stable
from drivers.errors import ConnectionLost, DeviceFault, DriverError, InterlockOpen, OutOfRange
from drivers.errors import Timeout as DriverTimeout
from drivers.interfaces import (
    AtomCamera,
    CameraLimits,
    CameraSettings,
    CooledCamera,
    Frame,
    Identity,
    Range,
)

LIMITS = CameraLimits(
    exposure_s=Range(0.0004, 10.0), em_gain=Range(2, 300), temperature_c=Range(-100.0, -60.0)
)
SETTINGS = CameraSettings(exposure_s=0.1, roi=(236, 240, 40, 32), em_gain=0)
STABLE = "Stabilized at set point"


@pytest.fixture
def camera(fake) -> Iterator[AreaDetectorCamera]:
    # What is never reached is given up sooner than in earnest.
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=1.0, action_s=1.0)
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


def test_missing_pv_is_named(make_camera_server):
    fake = make_camera_server(without=("AndorEMGain_RBV",))
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=0.5)
    with pytest.raises(DriverTimeout, match=r"no answer from cam1:AndorEMGain_RBV at pva://"):
        camera.connect()
    camera.close()


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
    assert camera.configure(SETTINGS) == SETTINGS


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
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=0.3, action_s=1.0)
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
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=0.3, action_s=1.0)
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
    camera = AreaDetectorCamera("camera", fake.address, LIMITS, timeout_s=0.3, action_s=1.0)
    camera.connect()
    camera.configure(CameraSettings(0.1, (0, 0, 40, 32), 100))
    camera.open_shutter()
    fake.stuck.add("AndorShutterMode")
    with pytest.raises(DeviceFault, match="shutter"):
        camera.make_safe()
    assert fake.get("AndorEMGain_RBV") == 0
    camera.close()


def running_at_gain(camera: AreaDetectorCamera, gain: int = 100) -> list[Frame]:
    frames: list[Frame] = []
    camera.configure(CameraSettings(0.1, (0, 0, 40, 32), gain))
    camera.open_shutter()
    camera.start(frames.append)
    return frames


def saturated(pixels: int) -> np.ndarray:
    image = np.full((32, 40), 200, np.uint16)
    image.flat[:pixels] = 65535
    return image


def test_saturation_stops_the_camera_on_the_frames_own_thread(fake, camera):
    frames = running_at_gain(camera)
    fake.puts.clear()
    # The orders are sent before the sink sees the frame: nobody else has to do anything.
    fake.expose(1, image=saturated(2))
    fake.expose(2, image=saturated(2))
    until(lambda: len(frames) == 2)
    assert fake.puts == [("Acquire", 0), ("AndorShutterMode", 2), ("AndorEMGain", 0)]
    protection = camera.protection()
    assert protection.trips == 1
    assert "0.16 % of the pixels were saturated" in protection.trip
    assert camera.status().message == protection.trip
    camera.stop()
    assert camera.enforce() == ""
    camera.start(lambda _: None)
    camera.stop()
    assert camera.protection().trip == ""


def test_a_converter_of_14_bits_saturates_at_its_own_end(fake):
    limits = replace(LIMITS, saturated_adu=16383)
    camera = AreaDetectorCamera("camera", fake.address, limits, timeout_s=1.0, action_s=1.0)
    camera.connect()
    frames = running_at_gain(camera)
    for unique_id in (1, 2):
        fake.expose(unique_id, image=np.minimum(saturated(2), 16383).astype(np.uint16))
    until(lambda: len(frames) == 2)
    assert camera.protection().trips == 1
    camera.close()


def test_orders_that_the_stopping_camera_refused_are_given_again(fake, camera):
    frames = running_at_gain(camera)
    fake.stuck |= {"AndorShutterMode"}
    fake.rounding = lambda name, value: 100 if name == "AndorEMGain" else value
    fake.expose(1, image=saturated(40))
    fake.expose(2, image=saturated(40))
    until(lambda: len(frames) == 2)
    assert (fake.get("AndorEMGain_RBV"), fake.get("AndorShutterMode")) == (100, 1)
    fake.stuck.clear()
    fake.rounding = lambda _name, value: value
    camera.stop()
    assert (fake.get("AndorEMGain_RBV"), fake.get("AndorShutterMode")) == (0, 2)


def test_dose_of_the_frames_at_gain(fake):
    camera = AreaDetectorCamera(
        "camera", fake.address, LIMITS, timeout_s=1.0, bias_adu=100.0, electrons_per_adu=5.0
    )
    camera.connect()
    frames = running_at_gain(camera)
    fake.expose(1, image=np.full((32, 40), 300, np.uint16))
    until(lambda: len(frames) == 1)
    camera.stop()
    assert camera.protection().dose_nc == pytest.approx(200 * 5 * 1280 * 1.602176634e-10)
    camera.close()


@pytest.mark.parametrize(
    ("pv", "value", "reason"),
    [
        ("AndorEMGain_RBV", 250, "gain 250, which this program did not set"),
        ("TemperatureActual", -30.0, "the sensor is at -30 °C"),
        ("AndorTempStatus_RBV", "Stabilized but drifted", "drifted"),
    ],
)
def test_gain_that_may_not_be_on_is_taken_away(fake, camera, pv, value, reason):
    running_at_gain(camera)
    assert camera.enforce() == ""
    fake.set(pv, value)
    fake.puts.clear()
    assert reason in camera.enforce()
    assert fake.puts[:3] == [("Acquire", 0), ("AndorShutterMode", 2), ("AndorEMGain", 0)]
    assert reason in camera.protection().trip
    assert (camera.protection().trips, camera.enforce()) == (1, "")


def test_a_server_that_comes_up_with_gain_loses_it(fake, camera):
    fake.set("AndorEMGain_RBV", 200)
    fake.set("AndorShutterMode", 1)
    assert "this program did not set" in camera.enforce()
    assert (fake.get("AndorEMGain_RBV"), fake.get("AndorShutterMode")) == (0, 2)


def test_another_client_that_moves_the_trap_costs_the_gain(fake):
    forbidden = [""]
    camera = AreaDetectorCamera(
        "camera", fake.address, LIMITS, gain_permit=lambda: forbidden[0], timeout_s=1.0
    )
    camera.connect()
    running_at_gain(camera)
    forbidden[0] = "the trap is on or near 83Kr"
    assert "83Kr" in camera.enforce()
    assert not camera.status().acquiring
    camera.close()


def test_a_permit_that_cannot_be_asked_costs_the_gain(fake):
    def lost() -> str:
        raise DriverTimeout("isotope_offset", "no answer")

    permit = [lambda: ""]
    camera = AreaDetectorCamera(
        "camera", fake.address, LIMITS, gain_permit=lambda: permit[0](), timeout_s=1.0
    )
    camera.connect()
    running_at_gain(camera)
    permit[0] = lost
    assert "Timeout: isotope_offset: no answer" in camera.enforce()
    assert "isotope_offset" in camera.protection().trip
    assert not camera.status().acquiring
    assert (fake.get("AndorEMGain_RBV"), fake.get("AndorShutterMode")) == (0, 2)
    camera.close()


def test_advanced_gain_follows_the_rig_file(fake):
    limits = replace(LIMITS, em_gain=Range(2, 1000), em_gain_unlocked=True)
    camera = AreaDetectorCamera("camera", fake.address, limits, timeout_s=1.0)
    camera.connect()
    camera.configure(CameraSettings(0.1, (0, 0, 40, 32), 500))
    assert fake.wrote("AndorEMGainAdvanced") == [1]
    assert fake.wrote("AndorEMGain") == [0, 500]
    camera.close()


def test_a_camera_that_stays_locked_is_refused(fake):
    limits = replace(LIMITS, em_gain=Range(2, 1000), em_gain_unlocked=True)
    camera = AreaDetectorCamera("camera", fake.address, limits, timeout_s=0.3)
    camera.connect()
    fake.rounding = lambda name, value: 0 if name == "AndorEMGainAdvanced" else value
    with pytest.raises(DeviceFault, match="AndorEMGainAdvanced was set to 1 but the camera kept 0"):
        camera.configure(CameraSettings(0.1, (0, 0, 40, 32), 500))
    assert fake.wrote("AndorEMGain") == [0]
    camera.close()


# --- cooler -------------------------------------------------------------------------------------


def test_the_cooler_is_told_to_cool_and_read_back(fake, camera) -> None:
    assert isinstance(camera, CooledCamera)
    camera.cool()
    assert fake.puts == [("AndorCooler", 1)]


def test_a_cooler_that_stays_off_is_a_fault(fake, camera) -> None:
    fake.stuck.add("AndorCooler")
    with pytest.raises(DeviceFault, match="AndorCooler was set to 1 but the camera kept 0"):
        camera.cool()
