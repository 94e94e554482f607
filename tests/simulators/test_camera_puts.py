"""Anything that a client may put to the camera's server: refused or taken, never a hang."""

import asyncio
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from p4p.client.thread import Context, RemoteError

from simulators.clock import RigClock
from simulators.servers import areadetector
from simulators.servers.areadetector import PREFIX
from simulators.servers.areadetector_pvs import HIGHEST_C, LOWEST_C, camera_records
from simulators.truth import Truth
from simulators.world.world import World

ANSWER_S = 5.0
CAM = f"{PREFIX}cam1:"
SENSOR_PX = Truth().camera.sensor_px
SETTABLE = [record.name for record in camera_records(SENSOR_PX) if record.settable]
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
VALUES = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1.0, 0, 1, 2**31 - 1, -(2**31)]),
    st.floats(),
    st.integers(-(2**33), 2**33),
    st.integers(0, 6),
    st.booleans(),
    TEXT,
    st.lists(st.floats(width=32), max_size=3),
)
PUTS = st.tuples(st.sampled_from(SETTABLE), VALUES)


@pytest.fixture(scope="module")
def client() -> Iterator[Context]:
    world = World(Truth(), RigClock(20.0), 1)
    server = asyncio.run(areadetector.start(world))
    conf = {
        "EPICS_PVA_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_BROADCAST_PORT": server.address.split("/")[2].split(":")[1],
        "EPICS_PVA_INTF_ADDR_LIST": "127.0.0.1",
    }
    with Context("pva", conf=conf, useenv=False, nt=False) as context:
        yield context
    asyncio.run(server.close())


def number(client: Context, name: str) -> float:
    """A PV's number, or the index of its choice."""
    structure: Any = client.get(CAM + name, timeout=ANSWER_S)
    value = structure["value"]
    return float(value["index"] if hasattr(value, "keys") else value)


@settings(max_examples=40, deadline=None)
@given(puts=st.lists(PUTS, min_size=1, max_size=6))
@example(puts=[("Temperature", math.nan)])
@example(puts=[("Temperature", math.inf)])
@example(puts=[("ArrayCounter", 2**31 - 1), ("Acquire", 1)])
def test_anything_may_be_put(client: Context, puts: list[tuple[str, Any]]) -> None:
    errors: list[str] = []
    for name, value in puts:
        try:
            client.put(CAM + name, {"value": value}, timeout=ANSWER_S)
        except (TypeError, ValueError, OverflowError):
            continue  # the client's own library finds no such value in the type of the PV
        except RemoteError as refusal:
            errors.append(str(refusal))
    # ADAndor refuses by the setting's severity; an error is only for a choice that is not there
    assert all("no choice" in error for error in errors), errors
    client.put(f"{CAM}Acquire", {"value": 0}, timeout=ANSWER_S)
    assert number(client, "DetectorState_RBV") == 0, "it is idle"
    assert LOWEST_C < number(client, "Temperature_RBV") < HIGHEST_C
    assert 0.0 < number(client, "AcquireTime_RBV") <= number(client, "AcquirePeriod_RBV")
    assert 0 <= number(client, "AndorEMGain_RBV") <= 1000
    for axis in "XY":
        first, size = number(client, f"Min{axis}_RBV"), number(client, f"Size{axis}_RBV")
        binned = number(client, f"Bin{axis}_RBV")
        assert 0 <= first < first + size <= SENSOR_PX
        assert 1 <= binned <= size
    frames_come(client)


def frames_come(client: Context) -> None:
    """It is still a camera: a small region is taken, and each frame counted."""
    small = {"MinX": 0, "MinY": 0, "BinX": 1, "BinY": 1, "SizeX": 16, "SizeY": 16,
             "AcquireTime": 0.02, "AcquirePeriod": 0.02, "ImageMode": 1, "NumImages": 2,
             "TriggerMode": 0, "ArrayCounter": 0}  # fmt: skip
    for name, value in small.items():
        client.put(CAM + name, {"value": value}, timeout=ANSWER_S)
    client.put(f"{CAM}Acquire", {"value": 1}, request="record[block=true]field()", timeout=ANSWER_S)
    assert number(client, "ArrayCounter_RBV") == 2


@pytest.mark.parametrize("name", ["TemperatureActual", "AndorEMGain_RBV", "Model_RBV"])
def test_a_reading_takes_no_put(client: Context, name: str) -> None:
    with pytest.raises(RemoteError):
        client.put(CAM + name, {"value": 1}, timeout=ANSWER_S)
