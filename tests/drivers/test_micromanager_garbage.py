"""The Micro-Manager driver over a core that answers nonsense: typed errors only, and no hang.

The core has no wire. What its bindings promise is the type of an answer, nothing else: texts,
numbers, regions and pictures are drawn at random, and any call may throw the core's own error.
"""

import contextlib
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from garbage import within
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import DriverError
from drivers.interfaces import CameraLimits, CameraSettings, Range
from drivers.micromanager import MicroManagerCamera
from drivers.micromanager_core import MicroManagerDevice
from drivers.micromanager_properties import PropertyNames

LONGEST_S = 5.0
THROWS = 0.1
"""Share of the calls that end in an error of the core."""
NAMES = PropertyNames()
ALL_NAMES = [text for text in vars(NAMES).values() if text]
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(["On", "Off", "Open", "Closed", "-70", "1e999", "nan", "-inf", "5", "0"]),
    ),
    min_size=1,
    max_size=8,
)
NUMBERS = (0.0, 1.0, -1.0, 5.0, 16.0, 1e300, -1e300, float("nan"), float("inf"), 2.0**63)
PICTURES: tuple[Any, ...] = (
    np.zeros((4, 4), np.uint16),
    np.full((4, 4), 65535, np.uint16),
    np.zeros((0, 4), np.uint16),
    np.zeros(16, np.uint16),
    np.zeros((4, 4), np.uint8),
    b"text",
    None,
)


class NonsenseMetadata:
    """Tags as MMCore hands them out."""

    def __init__(self, draw: random.Random, texts: list[str]) -> None:
        self._draw, self._texts = draw, texts

    def GetKeys(self) -> list[str]:
        return self._draw.choice([["ImageNumber", "ElapsedTime-ms"], ["ImageNumber"], []])

    def GetSingleTag(self, _key: str) -> "NonsenseMetadata":
        return self

    def GetValue(self) -> str:
        return self._draw.choice(self._texts)


class NonsenseCore:
    """Every call of `Core`, answered with a value of the right type or with the core's error."""

    def __init__(self, seed: int, texts: list[str]) -> None:
        self._draw, self._texts = random.Random(seed), texts
        self.calls = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*_arguments: Any) -> Any:
            self.calls += 1
            if self._draw.random() < THROWS and name != "getVersionInfo":
                raise RuntimeError(self._draw.choice(self._texts))
            return self._answer(name)

        return call

    def _answer(self, name: str) -> Any:
        draw = self._draw
        match name:
            case "getDevicePropertyNames" | "getAllowedPropertyValues":
                return draw.choice([ALL_NAMES, ALL_NAMES, ["Open", "Closed"], self._texts, []])
            case "getROI":
                return [draw.randint(-9, 600) for _ in range(4)]
            case "getImageWidth" | "getImageHeight":
                return draw.choice([512, 512, 0, -1])
            case "getBytesPerPixel" | "getImageBitDepth" | "getRemainingImageCount":
                return draw.choice([2, 2, 16, 0, -3])
            case "hasPropertyLimits" | "isSequenceRunning" | "isBufferOverflowed":
                return draw.random() < 0.5
            case "getPropertyLowerLimit" | "getExposure":
                return draw.choice(NUMBERS)
            case "popNextImageMD":
                return draw.choice(PICTURES)
            case _:
                return draw.choice(self._texts)


@settings(max_examples=150, deadline=None)
@given(texts=TEXTS, seed=st.integers(0, 2**32))
def test_typed_errors_only(texts: list[str], seed: int) -> None:
    core: Any = NonsenseCore(seed, texts)
    limits = CameraLimits(Range(0.0005, 1.0), Range(0, 300), Range(-100.0, -60.0))
    names = replace(NAMES, cooler="") if seed % 2 else NAMES
    camera = MicroManagerCamera(
        "camera", MicroManagerDevice("Adapter", "Device"), limits, names,
        new_core=lambda _name: core,
        new_metadata=lambda: NonsenseMetadata(random.Random(seed), texts),
    )  # fmt: skip
    wanted = CameraSettings(exposure_s=0.1, roi=(10, 10, 4, 4), em_gain=0)
    acts: tuple[Callable[[], object], ...] = (
        camera.connect,
        camera.connect,
        lambda: camera.configure(wanted),
        camera.status,
        lambda: camera.set_em_gain(200),
        camera.open_shutter,
        lambda: camera.start(lambda _frame: None),
        camera.status,
        camera.enforce,
        camera.stop,
        camera.make_safe,
    )
    for act in acts:

        def typed(act: Callable[[], object] = act) -> None:
            with contextlib.suppress(DriverError):
                act()

        within(LONGEST_S, typed)
    camera.close()
    assert core.calls, "the core was never asked"
