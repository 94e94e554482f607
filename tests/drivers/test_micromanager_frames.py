"""What the driver makes of an image and its tags, and of a property's text; needs no core."""

import math
import string
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DeviceFault, ProtocolError
from drivers.interfaces import Frame
from drivers.micromanager_frames import SequenceStream, picture, stamps
from drivers.micromanager_properties import Properties, same

texts = st.text(string.printable, max_size=12) | st.floats().map(str) | st.integers().map(str)


class Tags:
    """MMCore's Metadata, filled by the scripted core."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def GetKeys(self) -> list[str]:
        return list(self.values)

    def GetSingleTag(self, key: str) -> Any:
        values = self.values

        class Tag:
            def GetValue(self) -> str:
                return values[key]

        return Tag()


class ScriptedCore:
    """Hands out the images of a list, then says that the sequence has ended."""

    def __init__(self, images: list[tuple[dict[str, str], Any]]) -> None:
        self._images: Iterator[tuple[dict[str, str], Any]] = iter(images)
        self._left = len(images)

    def getRemainingImageCount(self) -> int:
        return self._left

    def popNextImageMD(self, metadata: Tags) -> Any:
        self._left -= 1
        metadata.values, pixels = next(self._images)
        return pixels

    def isBufferOverflowed(self) -> bool:
        return False

    def isSequenceRunning(self) -> bool:
        return False


def delivered(*images: tuple[dict[str, str], Any]) -> tuple[list[Frame], SequenceStream]:
    frames: list[Frame] = []
    core: Any = ScriptedCore(list(images))
    stream = SequenceStream(core, frames.append, 1000.0, Tags)
    while not stream.failure:
        pass
    stream.close()
    return frames, stream


def image(number: int, elapsed_ms: float) -> tuple[dict[str, str], Any]:
    tags = {"ImageNumber": str(number), "ElapsedTime-ms": str(elapsed_ms), "Camera": "Ixon"}
    return tags, np.full((2, 3), number, np.uint16)


def test_numbers_times_and_gaps() -> None:
    frames, stream = delivered(image(0, 100.0), image(1, 200.5), image(4, 500.0))
    assert [(f.unique_id, f.rig_time_s) for f in frames] == [
        (1, 1000.1), (2, pytest.approx(1000.2005)), (5, 1000.5),
    ]  # fmt: skip
    assert (stream.delivered, stream.lost) == (3, 2)
    assert stream.failure == "the camera has stopped by itself"


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        (image(0, 200.0), "image 0 came after image 0"),
        (({"ImageNumber": "1"}, np.zeros((2, 3), np.uint16)), "an image without ElapsedTime-ms"),
        ((image(1, 2.0)[0], np.zeros((2, 3), np.uint8)), "pixels of type uint8"),
        ((image(1, 2.0)[0], np.zeros((2, 3, 4), np.uint16)), "pixels of type uint16"),
        ((image(1, 2.0)[0], b"\0\0"), "pixels of type bytes"),
    ],
)
def test_an_image_that_cannot_be_used_ends_the_frames(second: Any, complaint: str) -> None:
    frames, stream = delivered(image(0, 100.0), second, image(2, 300.0))
    assert len(frames) == 1
    assert complaint in stream.failure


@given(st.dictionaries(st.sampled_from(["ImageNumber", "ElapsedTime-ms", "Camera"]), texts))
def test_any_tags_give_a_number_and_a_time_or_a_value_error(tags: dict[str, str]) -> None:
    try:
        number, elapsed_s = stamps(tags)
    except ValueError:
        return
    assert number >= 0
    assert math.isfinite(elapsed_s)
    assert elapsed_s >= 0.0


@given(st.one_of(st.none(), st.binary(), st.lists(st.integers())))
def test_anything_but_an_array_is_no_picture(pixels: object) -> None:
    with pytest.raises(TypeError):
        picture(pixels)


@given(texts, texts)
def test_equal_texts_and_equal_numbers_are_the_same(one: str, other: str) -> None:
    assert same(one, one) or one.strip().lower().lstrip("+-") in ("nan", "inf", "infinity")
    if same(one, other) and one != other:
        assert float(one) == pytest.approx(float(other), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    ("wanted", "kept", "alike"),
    [("5", "5.0000", True), ("On", "On", True), ("On", "Off", False), ("5", "5.1", False),
     ("5", "", False), ("1", "On", False), ("INF", "0", False), ("0", "INF", False)],
)  # fmt: skip
def test_what_a_camera_keeps(wanted: str, kept: str, alike: bool) -> None:
    assert same(wanted, kept) is alike


class OneProperty:
    """A core with one property that keeps what it likes."""

    def __init__(self, kept: str) -> None:
        self.kept = kept
        self.log: list[tuple[str, ...]] = []

    def getDevicePropertyNames(self, _label: str) -> tuple[str, ...]:
        return ("Gain",)

    def setProperty(self, *arguments: str) -> None:
        self.log.append(arguments)

    def waitForDevice(self, _label: str) -> None:
        pass

    def getProperty(self, _label: str, name: str) -> str:
        return self.kept


def test_a_set_is_read_back() -> None:
    core: Any = OneProperty("150")
    properties = Properties(core, "camera", "Ixon")
    with pytest.raises(DeviceFault, match="'Gain' was set to '200' but the camera kept '150'"):
        properties.set("Gain", "200")
    core.kept = "200.0000"
    properties.set("Gain", "200")
    assert core.log == [("Ixon", "Gain", "200")] * 2


@given(texts)
def test_a_number_is_one_or_an_error(text: str) -> None:
    core: Any = OneProperty(text)
    try:
        number = Properties(core, "camera", "Ixon").number("Gain")
    except ProtocolError:
        return
    assert number == float(text)
    assert math.isfinite(number)
