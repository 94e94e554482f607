"""Frames at the end of the converter calibrate no counting, whatever its number of bits."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from atta_daq.rig import calibrate_camera, procedures
from drivers.errors import DeviceFault
from drivers.interfaces import Frame

FRAMES = 400


@pytest.fixture
def bench(rig, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A rig whose camera has 14 bits, and all of them at their end."""
    full = np.full((24, 26), 16383, dtype=np.uint16)
    frames = [Frame(number, 0.1 * number, full) for number in range(FRAMES)]
    for module in (procedures, calibrate_camera):
        monkeypatch.setattr(module, "watch_85", lambda *_: frames)
    camera = rig.config.camera.model_copy(update={"saturated_adu": 16383})
    taker = SimpleNamespace(counting=None, configure_camera=lambda: None, trap=rig.trap)
    return SimpleNamespace(
        config=rig.config.model_copy(update={"camera": camera}),
        taker=taker,
        check=lambda _name: None,
        tell=lambda _text: None,
    )


def test_the_counting_of_a_run_is_not_calibrated_from_them(bench: Any) -> None:
    with pytest.raises(DeviceFault, match=r"could not be calibrated .*saturated: lower the EM"):
        procedures.calibrate_counting(bench.taker, bench.config, "run", 40.0)


def test_nor_is_the_dwell(bench: Any) -> None:
    with pytest.raises(DeviceFault, match=r"dwell could not be calibrated: .*saturated: lower"):
        calibrate_camera.calibrate_dwell(bench)
