"""What the windows are told five times a second."""

import itertools
import logging
import threading
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from atta_daq.station.display import Display


@pytest.mark.parametrize(
    ("isotope", "switching", "told"),
    [(None, True, (-1, True)), (None, False, (-1, False)), (0, False, (0, False))],
)
def test_a_trap_on_its_way_is_told_from_one_that_nobody_has_set(
    isotope: int | None, switching: bool, told: tuple[int, bool]
) -> None:
    posted: dict[str, Any] = {}
    taker: Any = SimpleNamespace(
        provisional=SimpleNamespace(frames=0, counts=lambda: 0, frame=None, take=lambda: (0, [])),
        trap=SimpleNamespace(isotope=isotope, switching=switching),
        loading_trace=None, counting=None,
    )  # fmt: skip
    clock: Any = SimpleNamespace(now_s=lambda: 1.0)
    server: Any = SimpleNamespace(post=posted.__setitem__)
    display = Display(taker, clock, server, 65535)
    display._numbers()
    assert (posted["trap:isotope"], posted["trap:switching"]) == told


def test_the_heartbeat_outlives_a_frame_that_cannot_be_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    beats: list[float] = []

    def take() -> Any:
        raise ValueError("a frame of another shape")

    taker: Any = SimpleNamespace(
        provisional=SimpleNamespace(
            frames=0, counts=lambda: 0, frame=None, take=take, wait=lambda _s: time.sleep(0.01)
        ),
        trap=SimpleNamespace(isotope=None, switching=False), loading_trace=None, counting=None,
    )  # fmt: skip
    clock: Any = SimpleNamespace(now_s=lambda: 1.0)

    def post(name: str, value: Any) -> None:
        if name == "station:rig_time":
            beats.append(value)

    display = Display(taker, clock, SimpleNamespace(post=post), 65535)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        display.start()
        deadline = time.monotonic() + 20.0
        while len(beats) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        display.close()
    assert len(beats) >= 3
    assert [record.message for record in caplog.records] == ["display"], "said once"


def test_the_pictures_outlive_a_frame_that_cannot_be_posted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pictures, enough = itertools.count(), threading.Event()
    frame = SimpleNamespace(image=np.zeros((2, 2), np.uint16), rig_time_s=1.0)
    taker: Any = SimpleNamespace(
        provisional=SimpleNamespace(
            frames=0, counts=lambda: 0, frame=None, take=lambda: (0, []), wait=lambda _s: frame
        ),
        trap=SimpleNamespace(isotope=None, switching=False), loading_trace=None, counting=None,
    )  # fmt: skip

    def post_image(*_: object) -> None:
        number = next(pictures)
        if number < 2:
            raise ValueError("a frame of another kind")
        enough.set()

    clock: Any = SimpleNamespace(now_s=lambda: 1.0)
    server: Any = SimpleNamespace(post=lambda *_: None, post_image=post_image)
    display = Display(taker, clock, server, 65535)
    with caplog.at_level(logging.ERROR):
        display.start()
        came = enough.wait(20.0)
        display.close()
    assert came
    assert [record.message for record in caplog.records] == ["display"], "said once"


@pytest.mark.parametrize(("saturated_adu", "told"), [(65535, 0.0), (16383, 0.25)])
def test_a_pixel_is_saturated_at_the_end_of_its_own_converter(
    saturated_adu: int, told: float
) -> None:
    image = np.array([[200, 16383], [300, 400]], np.uint16)
    posted: dict[str, Any] = {}
    taker: Any = SimpleNamespace(
        provisional=SimpleNamespace(
            frames=1, counts=lambda: 0, take=lambda: (0, []),
            frame=SimpleNamespace(image=image),
        ),
        trap=SimpleNamespace(isotope=0, switching=False), loading_trace=None, counting=None,
    )  # fmt: skip
    clock: Any = SimpleNamespace(now_s=lambda: 1.0)
    server: Any = SimpleNamespace(post=posted.__setitem__)
    Display(taker, clock, server, saturated_adu)._numbers()
    assert posted["camera:saturated"] == told
