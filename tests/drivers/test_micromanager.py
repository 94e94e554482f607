"""The Micro-Manager driver on Micro-Manager's own DemoCamera, through the core itself.

The demo camera has no EM register, no cooler and no shutter: a rig file names the properties, and
here names stand for others that can be set and read in the same way.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pymmcore = pytest.importorskip("pymmcore", reason="the extra `micromanager` is not installed")
adapters = pytest.importorskip("mm_test_adapters", reason="no adapters to test with")

from drivers.errors import (  # noqa: E402
    ConnectionLost,
    DeviceFault,
    DriverError,
    InterlockOpen,
    OutOfRange,
)
from drivers.errors import Timeout as DriverTimeout  # noqa: E402
from drivers.interfaces import (  # noqa: E402
    AtomCamera,
    CameraLimits,
    CameraSettings,
    Frame,
    Range,
)
from drivers.micromanager import MicroManagerCamera  # noqa: E402
from drivers.micromanager_core import MicroManagerDevice  # noqa: E402
from drivers.micromanager_properties import PropertyNames  # noqa: E402

LIMITS = CameraLimits(Range(0.0005, 1.0), Range(0, 8), Range(-100.0, -60.0))
SETTINGS = CameraSettings(exposure_s=0.005, roi=(100, 120, 40, 32), em_gain=0)
DEMO = MicroManagerDevice(
    adapter="DemoCamera",
    device="DCam",
    search_paths=(adapters.device_adapter_path(),),
    settings={"PixelType": "16bit", "BitDepth": "16"},
)
NAMES = PropertyNames(
    gain="Gain",
    gain_switch="",
    temperature="CCDTemperature",
    temperature_setpoint="TestProperty2",
    cooler="",
    trigger="ScanMode",
    trigger_internal="1",
    shutter="TransposeCorrection",
    shutter_open="1",
    shutter_closed="0",
)
NO_REGISTER = replace(NAMES, gain="", temperature="", temperature_setpoint="", shutter="")


class Lab:
    """A camera, its core, and whether the rig permits gain."""

    def __init__(self, names: PropertyNames = NAMES, core: Any = None, **more: Any) -> None:
        self.core = core or pymmcore.CMMCore()
        self.forbidden = ""
        self.lost = False
        """Where the trap is cannot be read."""
        self.rig_s = 1_000_000.0
        self.camera = MicroManagerCamera(
            "camera", more.pop("device", DEMO), more.pop("limits", LIMITS), names,
            gain_permit=self._permit, rig_now=lambda: self.rig_s,
            new_core=lambda _name: self.core, **more,
        )  # fmt: skip

    def _permit(self) -> str:
        if self.lost:
            raise DriverTimeout("isotope_offset", "no answer")
        return self.forbidden

    def set(self, name: str, value: float | str) -> None:
        self.core.setProperty("Camera", name, str(value))

    def get(self, name: str) -> str:
        return self.core.getProperty("Camera", name)

    def cool(self, temperature_c: float = -70.0, setpoint_c: float = -70.0) -> None:
        self.set("CCDTemperature", temperature_c)
        self.set("TestProperty2", setpoint_c)


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    lab.camera.connect()
    lab.cool()
    yield lab
    lab.camera.close()


def until(reached: Callable[[], bool]) -> None:
    """Wait for another thread; the test's time limit ends a wait in vain."""
    while not reached():
        time.sleep(0.002)


# --- connection ---------------------------------------------------------------------------------


def test_who_answers(lab: Lab) -> None:
    camera: AtomCamera = lab.camera
    identity = camera.connect()
    assert (identity.maker, identity.model, identity.serial) == ("DemoCamera", "DCam", "V1.0")
    assert identity.firmware.startswith("MMCore version")


def test_the_core_of_pymmcore_plus_fits() -> None:
    plus = pytest.importorskip(
        "pymmcore_plus",
        reason="pymmcore-plus brings compiled packages and cannot be locked (decision 5): "
        "pip install pymmcore-plus==0.17.3, in an environment of its own",
    )
    lab = Lab(core=plus.CMMCorePlus())
    lab.camera.connect()
    frames: list[Frame] = []
    lab.camera.configure(SETTINGS)
    lab.camera.start(frames.append)
    until(lambda: len(frames) > 2)
    lab.camera.close()


@pytest.mark.parametrize(
    "device",
    [replace(DEMO, adapter="NoSuchLibrary"), replace(DEMO, device="NoSuchDevice")],
)
def test_what_cannot_be_loaded_is_told_in_the_cores_words(device: MicroManagerDevice) -> None:
    lab = Lab(device=device)
    with pytest.raises(ConnectionLost, match=r"cannot load the camera: .*NoSuch.*search_paths"):
        lab.camera.connect()
    with pytest.raises(ConnectionLost, match="connect it first"):
        lab.camera.status()


def test_a_configuration_file_names_the_camera(tmp_path: Any) -> None:
    config = tmp_path / "emccd.cfg"
    config.write_text(
        "Property,Core,Initialize,0\nDevice,Ixon,DemoCamera,DCam\n"
        "Property,Core,Initialize,1\nProperty,Core,Camera,Ixon\n"
    )
    paths = (adapters.device_adapter_path(),)
    lab = Lab(device=MicroManagerDevice(config_file=config, search_paths=paths))
    assert lab.camera.connect().model == "DCam"
    lab.camera.close()


def test_a_configuration_file_without_a_camera(tmp_path: Any) -> None:
    config = tmp_path / "empty.cfg"
    config.write_text("Property,Core,Initialize,1\n")
    lab = Lab(device=MicroManagerDevice(config_file=config))
    with pytest.raises(ConnectionLost, match="names no camera"):
        lab.camera.connect()


def test_a_property_that_the_camera_does_not_have_is_named_with_those_it_has() -> None:
    lab = Lab(replace(NAMES, gain="EMGain"))
    with pytest.raises(DeviceFault, match=r"no property gain = 'EMGain'; it has: .*Exposure, "):
        lab.camera.connect()


def test_a_word_that_the_shutter_does_not_know() -> None:
    lab = Lab(replace(NAMES, shutter_open="Open"))
    with pytest.raises(DeviceFault, match="its shutter knows 0, 1, not 'Open'"):
        lab.camera.connect()


# --- settings -----------------------------------------------------------------------------------


def test_configure_reads_back_exposure_and_region(lab: Lab) -> None:
    assert lab.camera.configure(SETTINGS) == SETTINGS
    assert lab.core.getExposure("Camera") == 5.0
    assert list(lab.core.getROI("Camera")) == [100, 120, 40, 32]
    assert (lab.get("PixelType"), lab.get("BitDepth"), lab.get("Binning")) == ("16bit", "16", "1")
    # A second region counts from the corner of the sensor, not of the first region.
    assert lab.camera.configure(replace(SETTINGS, roi=(300, 10, 48, 48))).roi == (300, 10, 48, 48)


def test_exposure_that_the_camera_cuts_is_a_fault() -> None:
    lab = Lab(limits=replace(LIMITS, exposure_s=Range(0.001, 100.0)))
    lab.camera.connect()
    with pytest.raises(DeviceFault, match=r"11 s|exposure|Exposure"):
        lab.camera.configure(replace(SETTINGS, exposure_s=11.0))
    lab.camera.close()


def test_pixels_of_8_bits_are_refused() -> None:
    lab = Lab(device=replace(DEMO, settings={}))
    lab.camera.connect()
    with pytest.raises(DeviceFault, match=r"8 bits, not 16.*PixelType"):
        lab.camera.configure(SETTINGS)
    lab.camera.close()


def test_wrong_property_among_the_settings() -> None:
    lab = Lab(device=replace(DEMO, settings={"Nope": "1"}))
    lab.camera.connect()
    with pytest.raises(DeviceFault, match=r"'Nope' was not set to '1': .*Invalid property name"):
        lab.camera.configure(SETTINGS)
    lab.camera.close()


@pytest.mark.parametrize(
    "settings",
    [
        replace(SETTINGS, exposure_s=2.0),
        replace(SETTINGS, roi=(480, 0, 40, 40)),
        replace(SETTINGS, roi=(0, -1, 40, 40)),
        replace(SETTINGS, em_gain=9),
        replace(SETTINGS, em_gain=-1),
    ],
)
def test_beyond_a_limit_nothing_is_set(lab: Lab, settings: CameraSettings) -> None:
    before = {name: lab.get(name) for name in lab.core.getDevicePropertyNames("Camera")}
    with pytest.raises(OutOfRange):
        lab.camera.configure(settings)
    assert before == {name: lab.get(name) for name in lab.core.getDevicePropertyNames("Camera")}


def test_status(lab: Lab) -> None:
    lab.camera.configure(SETTINGS)
    lab.camera.open_shutter()
    status = lab.camera.status()
    assert (status.acquiring, status.temperature_c, status.temperature_stable) == (
        False, -70.0, True,
    )  # fmt: skip
    assert (status.em_gain, status.exposure_s, status.shutter_open) == (0, 0.005, True)
    lab.camera.close_shutter()
    assert not lab.camera.status().shutter_open
    lab.cool(-68.5)
    assert not lab.camera.status().temperature_stable


# --- frames -------------------------------------------------------------------------------------


def test_a_sequence(lab: Lab) -> None:
    frames: list[Frame] = []
    threads: set[str] = set()
    lab.camera.configure(SETTINGS)
    lab.camera.start(lambda f: (frames.append(f), threads.add(threading.current_thread().name)))
    assert lab.camera.status().acquiring
    until(lambda: len(frames) >= 8)
    lab.camera.stop()
    assert [f.unique_id for f in frames] == list(range(1, len(frames) + 1))
    assert {(f.image.shape, f.image.dtype) for f in frames} == {((32, 40), np.dtype(np.uint16))}
    times = np.array([f.rig_time_s for f in frames]) - lab.rig_s
    assert times[0] >= 0.005, "the end of an exposure that began after the start"
    assert np.diff(times).min() > 0.0
    assert threads == {"camera frames"}
    status = lab.camera.status()
    assert (status.frames_delivered, status.frames_lost, status.message) == (len(frames), 0, "")


def test_after_stop_no_frame_comes_and_none_of_before_comes_again(lab: Lab) -> None:
    first: list[Frame] = []
    second: list[Frame] = []
    lab.camera.configure(SETTINGS)
    lab.camera.start(first.append)
    until(lambda: len(first) > 3)
    lab.camera.stop()
    taken = len(first)
    lab.rig_s += 100.0
    lab.camera.configure(replace(SETTINGS, roi=(0, 0, 24, 16)))
    lab.camera.start(second.append)
    until(lambda: len(second) > 3)
    lab.camera.stop()
    assert len(first) == taken
    assert [f.unique_id for f in second] == list(range(1, len(second) + 1))
    assert {f.image.shape for f in second} == {(16, 24)}
    assert min(f.rig_time_s for f in second) > lab.rig_s


def test_nothing_is_changed_while_acquiring(lab: Lab) -> None:
    lab.camera.configure(SETTINGS)
    lab.camera.start(lambda _: None)
    for refused in (
        lambda: lab.camera.configure(SETTINGS),
        lambda: lab.camera.set_em_gain(0),
        lab.camera.open_shutter,
        lab.camera.close_shutter,
    ):
        with pytest.raises(DeviceFault, match="stop it before"):
            refused()
    lab.camera.stop()
    lab.camera.stop()


def test_a_buffer_that_runs_over_is_told() -> None:
    lab = Lab(buffer_mb=1)
    lab.camera.connect()
    lab.camera.configure(CameraSettings(0.001, (0, 0, 512, 512), 0))
    go_on = threading.Event()
    lab.camera.start(lambda _: go_on.wait())
    until(lab.core.isBufferOverflowed)
    go_on.set()
    until(lambda: "ran over" in lab.camera.status().failure)
    assert not lab.camera.status().acquiring
    lab.camera.stop()
    lab.camera.close()


def test_a_camera_that_stops_by_itself_is_told(lab: Lab) -> None:
    lab.camera.configure(SETTINGS)
    lab.camera.start(lambda _: None)
    lab.core.stopSequenceAcquisition()
    until(lambda: lab.camera.status().failure == "the camera has stopped by itself")
    assert lab.camera.status().message == "the camera has stopped by itself"
    lab.camera.stop()


def test_a_sink_that_raises_ends_the_frames_with_a_message(lab: Lab) -> None:
    def sink(_frame: Frame) -> None:
        raise RuntimeError("no more room")

    lab.camera.configure(SETTINGS)
    lab.camera.start(sink)
    until(lambda: "no more room" in lab.camera.status().message)
    lab.camera.stop()


# --- the register ---------------------------------------------------------------------------------


def test_gain_waits_for_the_cold_and_for_the_rig(lab: Lab) -> None:
    lab.cool(-40.0, -70.0)
    with pytest.raises(InterlockOpen, match="the sensor is at -40 °C"):
        lab.camera.set_em_gain(5)
    lab.cool()
    lab.forbidden = "the trap is on 83Kr"
    with pytest.raises(InterlockOpen, match="the trap is on 83Kr"):
        lab.camera.set_em_gain(5)
    assert float(lab.get("Gain")) == 0
    lab.forbidden = ""
    lab.camera.set_em_gain(5)
    assert lab.camera.status().em_gain == 5
    lab.camera.set_em_gain(0)
    assert float(lab.get("Gain")) <= 0.0


def test_a_camera_without_a_register_takes_no_gain_but_0() -> None:
    lab = Lab(NO_REGISTER)
    lab.camera.connect()
    with pytest.raises(OutOfRange, match="no multiplication register"):
        lab.camera.set_em_gain(5)
    with pytest.raises(OutOfRange, match="no multiplication register"):
        lab.camera.configure(replace(SETTINGS, em_gain=5))
    lab.camera.set_em_gain(0)
    lab.camera.open_shutter()
    status = lab.camera.status()
    assert (status.em_gain, status.temperature_stable, status.shutter_open) == (0, True, True)
    assert math.isnan(status.temperature_c)
    lab.camera.close()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda lab: setattr(lab, "forbidden", "the trap is on 83Kr"), "the trap is on 83Kr"),
        (lambda lab: setattr(lab, "lost", True), "Timeout: isotope_offset: no answer"),
        (lambda lab: lab.cool(-50.0, -70.0), "the sensor is at -50"),
        (lambda lab: lab.set("Gain", 7), "gain 7, which this program did not set"),
    ],
)
def test_gain_that_may_not_be_on_is_taken_away(
    lab: Lab, spoil: Callable[[Lab], None], reason: str
) -> None:
    lab.camera.configure(replace(SETTINGS, em_gain=5))
    lab.camera.open_shutter()
    lab.camera.start(lambda _: None)
    assert lab.camera.enforce() == ""
    spoil(lab)
    assert reason in lab.camera.enforce()
    status = lab.camera.status()
    assert (status.acquiring, status.em_gain, status.shutter_open) == (False, 0, False)
    assert (lab.camera.protection().trips, lab.camera.enforce()) == (1, "")


def test_saturation_stops_the_camera_within_two_frames(lab: Lab) -> None:
    lab.camera.configure(replace(SETTINGS, em_gain=5))
    lab.set("SaturatePixels", 1)
    lab.set("FractionOfPixelsToDropOrSaturate", 0.02)
    lab.camera.open_shutter()
    frames: list[Frame] = []
    lab.camera.start(frames.append)
    until(lambda: lab.camera.protection().trips == 1)
    until(lambda: not lab.core.isSequenceRunning())
    lab.camera.stop()
    assert 2 <= len(frames) <= 4
    assert "of the pixels were saturated" in lab.camera.protection().trip
    assert (float(lab.get("Gain")), lab.get("TransposeCorrection")) == (0.0, "0")


@pytest.mark.parametrize(("saturated_adu", "used"), [(65535, 65535), (16383, 16383)])
def test_the_end_of_the_converter_is_the_lower_of_adapter_and_rig_file(
    saturated_adu: int, used: int
) -> None:
    lab = Lab(limits=replace(LIMITS, saturated_adu=saturated_adu))
    lab.camera.connect()
    lab.cool()
    lab.camera.configure(SETTINGS)
    assert lab.core.getImageBitDepth() == 16
    lab.camera.start(lambda _frame: None)
    assert lab.camera._guard._saturated_adu == used
    lab.camera.stop()
    lab.camera.close()


def test_make_safe_while_acquiring(lab: Lab) -> None:
    frames: list[Frame] = []
    lab.camera.configure(replace(SETTINGS, em_gain=5))
    lab.camera.open_shutter()
    lab.camera.start(frames.append)
    lab.camera.make_safe()
    taken = len(frames)
    status = lab.camera.status()
    assert (status.acquiring, status.em_gain, status.shutter_open) == (False, 0, False)
    assert len(frames) == taken


def test_closed_camera_says_so(lab: Lab) -> None:
    lab.camera.configure(SETTINGS)
    lab.camera.start(lambda _: None)
    lab.camera.close()
    lab.camera.close()
    with pytest.raises(DriverError, match="connect it first"):
        lab.camera.start(lambda _: None)
    assert lab.camera.connect().model == "DCam"
