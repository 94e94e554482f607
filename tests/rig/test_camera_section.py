"""[camera] of the rig file, and the driver that is built from it."""

import copy
import importlib.util
from typing import Any

import pytest
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.build.camera import limits
from atta_daq.rig.config import rig_config
from atta_daq.rig.errors import ConfigError

ANDOR = {"driver": "micromanager", "adapter": "Andor", "device": "Andor", "roi_x": 0, "roi_y": 0}


@pytest.fixture
def data() -> dict[str, Any]:
    return copy.deepcopy(rig_file(PORTS, "co"))


def test_gain_above_300_must_be_unlocked(data: dict[str, Any]) -> None:
    data["camera"]["em_gain_limit"] = 500
    with pytest.raises(ConfigError, match=r"500 lies above 300.*em_gain_unlocked = true"):
        rig_config(data, "rig.toml")
    data["camera"]["em_gain_unlocked"] = True
    assert rig_config(data, "rig.toml").camera.em_gain_limit == 500


def test_the_guard_knows_the_end_of_the_converter(data: dict[str, Any]) -> None:
    assert rig_config(data, "rig.toml").camera.saturated_adu == 65535
    data["camera"]["saturated_adu"] = 16383
    assert limits(rig_config(data, "rig.toml").camera).saturated_adu == 16383
    for saturated_adu, complaint in ((65536, "saturated_adu"), (150, r"198 is not below.*150")):
        data["camera"]["saturated_adu"] = saturated_adu
        with pytest.raises(ConfigError, match=complaint):
            rig_config(data, "rig.toml")


def test_the_defaults_are_those_of_the_andor_adapter(data: dict[str, Any]) -> None:
    data["camera"] = ANDOR
    camera: Any = rig_config(data, "rig.toml").camera
    assert camera.properties.gain == "Gain"
    assert camera.properties.shutter == "Shutter (Internal)"
    assert camera.saturated_adu == 65535, "the adapter tells its bits"
    assert camera.addresses() == {"adapter": "Andor/Andor"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"device": ""}, "either adapter and device, or config_file"),
        ({"config_file": "ixon.cfg"}, "either adapter and device, or config_file"),
        ({"properties": {"gain": ""}}, "set em_gain = 0"),
        ({"properties": {"shutter": ""}}, r"needs properties\.shutter"),
        ({"properties": {"temperature": ""}}, r"needs properties\.temperature"),
        ({"properties": {"gian": "Gain"}}, "gian"),
        ({"settings": {"FrameTransfer": 1}}, "settings"),
    ],
)
def test_what_micromanager_needs(
    data: dict[str, Any], changes: dict[str, Any], complaint: str
) -> None:
    data["camera"] = {**ANDOR, **changes}
    with pytest.raises(ConfigError, match=complaint):
        rig_config(data, "rig.toml")


def test_without_the_extra_the_rig_file_is_refused_with_what_to_install(
    data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name == "pymmcore" else found(name, *a),
    )
    data["camera"] = ANDOR
    config = rig_config(data, "rig.toml")
    with pytest.raises(ConfigError, match=r"pip install -e '\.\[micromanager\]'"):
        RigAssembly(config)


def test_a_rehearsal_has_no_micromanager_camera(data: dict[str, Any]) -> None:
    data["camera"] = ANDOR
    data["clock"]["rate"] = 60.0
    with pytest.raises(ConfigError, match=r"set clock\.rate = 1"):
        RigAssembly(rig_config(data, "rig.toml"))


def test_the_camera_is_built_from_its_table(data: dict[str, Any]) -> None:
    pytest.importorskip("pymmcore", reason="the extra `micromanager` is not installed")
    data["camera"] = ANDOR
    data["clock"]["rate"] = 1.0
    assert RigAssembly(rig_config(data, "rig.toml")).instruments.camera.name == "camera"
