"""The files for Phoebus and an archiver name what a station serves, and are whole."""

import importlib.util
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.client.names import READINGS
from atta_daq.rig.config import rig_config
from atta_daq.station.slow_watch import slow_readings

EXAMPLES = Path(__file__).parents[2] / "examples"
WITH_SLOW = {**PORTS, "drivers": {"slow_control": "epics-pva"}}
UNITS = {reading.name: reading.unit for reading in READINGS} | {
    reading.name: reading.unit
    for reading in slow_readings(rig_config(rig_file(WITH_SLOW, "co"), "rig.toml"))
}


def names(text: str) -> list[str]:
    """Readings without the rig's name."""
    found = re.findall(r"pva://(?:\$\(RIG\)|atta-1):([a-z0-9_:]+)", text)
    assert len(found) >= 5
    return found


@pytest.mark.parametrize("file", ["rig.bob", "rig.plt"])
def test_phoebus(file: str) -> None:
    text = (EXAMPLES / "phoebus" / file).read_text()
    root = ET.fromstring(text)
    assert root.tag == {"rig.bob": "display", "rig.plt": "databrowser"}[file]
    assert set(names(text)) <= set(UNITS)
    for axis in root.iter("axis"):
        label = axis.findtext("name")
        if label:
            name, unit = re.fullmatch(r"(\S+) \[(.*)\]", label).groups()  # pyright: ignore
            assert UNITS[name] == unit


@pytest.mark.parametrize(
    ("arguments", "slow"),
    [
        (["atta-1"], set[str]()),
        (
            ["--config", str(EXAMPLES / "rig.toml")],
            {"slow:source_pressure", "slow:discharge_power"},
        ),
    ],
)
def test_the_archivers_list(
    arguments: list[str],
    slow: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = importlib.util.spec_from_file_location(
        "archive_pvs", EXAMPLES / "archiver" / "archive_pvs.py"
    )
    assert spec is not None
    module: Any = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    monkeypatch.setattr("sys.argv", ["archive_pvs.py", *arguments])
    module.main()
    entries = json.loads(capsys.readouterr().out)
    found = [entry["pv"].removeprefix("pva://atta-1:") for entry in entries]
    assert {"lock:rms", "run:id", "queue:state"} <= set(found)
    assert {name for name in found if name.startswith("slow:")} == slow
    assert set(found) - slow <= set(UNITS)
    assert {"station:alarms", "slow:readings", "lock:trace_master"}.isdisjoint(found)
    assert set(module.NOT_ARCHIVED) <= set(UNITS)
    assert set(module.NOT_ARCHIVED).isdisjoint(found)
    assert len(found) > 50
