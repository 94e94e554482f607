"""Structures of every type out of process variables that should hold others: typed errors only."""

import contextlib
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from p4p import Type, Value
from p4p.nt import NTEnum, NTNDArray, NTScalar

from drivers.epics_slow import SlowQuantity, reading_of
from drivers.errors import DriverError
from drivers.pva_frames import FrameStream
from drivers.pva_link import PvaLink

LINK = PvaLink("camera", "pva://127.0.0.1:5076/X:")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def _scalar(code: str, value: Any) -> Value:
    return NTScalar(code).wrap(value)


def _enum(index: int, choices: list[str]) -> Value:
    return NTEnum().wrap({"value": {"index": index, "choices": choices}})


STRUCTURES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(lambda v: _scalar("d", v)),
    st.integers(-(2**31), 2**31 - 1).map(lambda v: _scalar("i", v)),
    TEXT.map(lambda v: _scalar("s", v)),
    st.lists(st.floats(width=32), max_size=4).map(lambda v: _scalar("ad", v)),
    st.builds(_enum, st.integers(-3, 9), st.lists(TEXT, max_size=4)),
    st.just(Value(Type([("other", "i")]), {"other": 1})),
    st.just(Value(Type([("value", ("S", None, [("a", "d")]))]), {})),
    st.sampled_from([None, TimeoutError(), 5, "text"]),
)


@settings(max_examples=200)
@given(STRUCTURES)
def test_values(structure: Any) -> None:
    for read in (LINK.as_number, LINK.as_text, LINK.as_labels):
        with contextlib.suppress(DriverError):
            read("cam1:X", structure)


@settings(max_examples=200)
@given(STRUCTURES)
def test_slow_values(structure: Any) -> None:
    quantity = SlowQuantity("pressure", "X:P", "mbar")
    with contextlib.suppress(DriverError):
        assert reading_of(quantity, structure).severity in ("ok", "minor", "major", "invalid")


@settings(max_examples=100)
@given(
    rows=st.integers(0, 5),
    columns=st.integers(0, 5),
    pixels=st.integers(0, 30),
    code=st.sampled_from(["ushortValue", "doubleValue", "intValue"]),
    unique_id=st.integers(-(2**31), 2**31 - 1),
)
def test_frames(rows: int, columns: int, pixels: int, code: str, unique_id: int) -> None:
    """A frame is delivered whole, dropped as an old one, or ends the stream with a reason."""
    frames: list[Any] = []
    stream = FrameStream(LINK, "Pva1:Image", frames.append, last_id=0, queue_size=4)
    stream._on_update(None)
    update = NTNDArray().wrap(np.zeros((1, 1), np.uint16))
    kind = {"ushortValue": np.uint16, "doubleValue": np.float64, "intValue": np.int32}[code]
    update["value"] = (code, np.zeros(pixels, kind))
    update["uniqueId"] = unique_id
    update["dimension"] = [{"size": columns}, {"size": rows}]
    stream._on_update(update)
    fits = code == "ushortValue" and pixels == rows * columns > 0
    new = 0 < unique_id <= 1 << 30
    assert (len(frames) == 1) is (fits and new)
    assert bool(stream.failure) is (new and not fits)
    assert all(frame.image.shape == (rows, columns) for frame in frames)
