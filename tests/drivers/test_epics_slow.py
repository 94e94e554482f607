"""Slow control: what a PV's structure says of a quantity, and PVs that come and go."""

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from p4p.nt import NTEnum, NTScalar
from p4p.server import StaticProvider
from p4p.server.thread import SharedPV
from pva_alone import served

from drivers import pva_get
from drivers.epics_slow import EpicsSlowControl, SlowQuantity, reading_of
from drivers.errors import ConnectionLost, ProtocolError, Timeout
from drivers.interfaces import SlowControl, SlowReading

PRESSURE = SlowQuantity("pressure", "L:P", "mbar", 1e-7, 1e-6, 1e-4, 1e-3)


def scalar(value: object, severity: int = 0, message: str = "", unit: str = "") -> dict[str, Any]:
    return {
        "value": value,
        "alarm": {"severity": severity, "status": 0, "message": message},
        "timeStamp": {"secondsPastEpoch": 1_800_000_000, "nanoseconds": 250_000_000},
        "display": {"units": unit},
    }


@pytest.mark.parametrize(
    ("value", "severity", "reason"),
    [
        (1e-5, "ok", ""),
        (1.01e-6, "ok", ""),
        (1e-6, "minor", "1e-06 mbar is at or below 1e-06 mbar"),
        (1e-7, "major", "1e-07 mbar is at or below 1e-07 mbar"),
        (0.0, "major", "0 mbar is at or below 1e-07 mbar"),
        (1e-4, "minor", "0.0001 mbar is at or above 0.0001 mbar"),
        (2e-3, "major", "0.002 mbar is at or above 0.001 mbar"),
    ],
)
def test_limits_as_epics_has_them(value: float, severity: str, reason: str) -> None:
    reading = reading_of(PRESSURE, scalar(value, unit="mbar"))
    assert reading == SlowReading(value, "mbar", severity, reason, 1_800_000_000.25)


@pytest.mark.parametrize(
    ("value", "own", "severity", "reason"),
    [
        (1e-5, 1, "minor", "L:P is in alarm itself: HIGH"),
        (1e-5, 2, "major", "L:P is in alarm itself: HIGH"),
        (2e-3, 1, "major", "0.002 mbar is at or above 0.001 mbar"),
        (1e-5, 3, "invalid", "L:P says that it is not valid: HIGH"),
        (1e-5, 77, "invalid", "L:P says that it is not valid: HIGH"),
        (math.nan, 0, "invalid", "L:P says that it is not valid: HIGH"),
        (math.inf, 0, "invalid", "L:P says that it is not valid: HIGH"),
    ],
)
def test_the_pvs_own_alarm_counts_when_it_is_worse(
    value: float, own: int, severity: str, reason: str
) -> None:
    reading = reading_of(PRESSURE, scalar(value, own, "HIGH"))
    assert (reading.severity, reading.reason) == (severity, reason)
    assert math.isnan(reading.value) == (severity == "invalid")


def test_another_unit_is_never_taken_for_ours() -> None:
    reading = reading_of(PRESSURE, scalar(1e-3, unit="Pa"))
    assert reading.severity == "invalid"
    assert reading.reason == "L:P is in Pa, the rig file says mbar; correct one"
    assert reading_of(PRESSURE, scalar(1e-5, unit=" mBar ")).severity == "ok"
    assert reading_of(PRESSURE, scalar(1e-5, unit="")).severity == "ok", "it tells none"
    celsius = SlowQuantity("t", "L:T", "degC")
    for spelling in ("C", "°C", "degC", "DegC"):
        assert reading_of(celsius, scalar(20.0, unit=spelling)).severity == "ok"


def test_an_enumeration_is_its_index() -> None:
    locked = SlowQuantity("lock", "L:K", "", low_minor=0.0)
    structure = scalar({"index": 1, "choices": ["unlocked", "locked"]})
    del structure["display"]
    assert reading_of(locked, structure).value == 1.0
    structure["value"]["index"] = 0
    assert reading_of(locked, structure).severity == "minor"


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["value", "alarm", "timeStamp", "severity", "index", "display", "units"]),
        inner, max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@given(ANYTHING, ANYTHING, ANYTHING)
def test_whatever_a_pv_holds_only_typed_errors_come(whole: Any, value: Any, alarm: Any) -> None:
    for structure in (whole, {**scalar(value), "alarm": alarm}, {**scalar(1.0), "display": whole}):
        with contextlib.suppress(ProtocolError):
            reading = reading_of(PRESSURE, structure)
            assert reading.severity == "invalid" or math.isfinite(reading.value)


# --- on the wire ----------------------------------------------------------------------------------


class Ioc:
    """Two PVs on loopback that a test closes and opens."""

    def __init__(self) -> None:
        self.pressure = SharedPV(nt=NTScalar("d", display=True), initial=1e-5)
        self.lock = SharedPV(nt=NTEnum(), initial={"choices": ["unlocked", "locked"], "index": 1})
        self.text = SharedPV(nt=NTScalar("s"), initial="no number")
        provider = StaticProvider("slow")
        for name, pv in (("P", self.pressure), ("K", self.lock), ("S", self.text)):
            provider.add(f"L:{name}", pv)
        self._server = served(provider)
        self.address = f"127.0.0.1:{self._server.conf()['EPICS_PVAS_BROADCAST_PORT']}"

    def close(self) -> None:
        self._server.stop()


QUANTITIES = (PRESSURE, SlowQuantity("lock", "L:K", ""), SlowQuantity("words", "L:S", ""))


@pytest.fixture
def ioc() -> Iterator[Ioc]:
    made = Ioc()
    yield made
    made.close()


@pytest.fixture
def control(ioc: Ioc) -> Iterator[EpicsSlowControl]:
    made = EpicsSlowControl("slow_control", [ioc.address], QUANTITIES, timeout_s=0.5)
    yield made
    made.close()


def test_values_come_from_any_pv_that_is_a_number(ioc: Ioc, control: EpicsSlowControl) -> None:
    protocol: SlowControl = control
    assert protocol.connect().firmware == "2 of 3 values valid"
    readings = protocol.readings()
    assert list(readings) == ["pressure", "lock", "words"]
    assert readings["pressure"].value == 1e-5
    assert readings["lock"].value == 1.0
    assert readings["words"].severity == "invalid"
    assert "L:S is not a number" in readings["words"].reason


def test_a_pv_that_goes_is_invalid_and_comes_back(ioc: Ioc, control: EpicsSlowControl) -> None:
    control.connect()
    ioc.pressure.close()
    lost = control.readings()
    assert lost["pressure"].severity == "invalid"
    assert lost["pressure"].reason == "L:P: no answer within 0.5 s"
    assert lost["lock"].severity == "ok"
    ioc.pressure.open(2e-5)
    # The client asks for a channel that it lost again within moments.
    for _ in range(20):
        found = control.readings()["pressure"]
        if found.severity == "ok":
            break
    assert found.value == 2e-5


def test_none_of_them_is_a_silent_instrument() -> None:
    control = EpicsSlowControl(
        "slow_control", ["127.0.0.1:9"], QUANTITIES, timeout_s=0.1, first_timeout_s=0.2
    )
    with pytest.raises(ConnectionLost, match="not connected"):
        control.readings()
    with pytest.raises(Timeout, match=r"not one of L:P, L:K, L:S answers.*127\.0\.0\.1:9"):
        control.connect()
    control.make_safe()
    control.close()
    control.close()


def test_answers_that_trickle_in_do_not_prolong_a_look(
    monkeypatch: pytest.MonkeyPatch, control: EpicsSlowControl
) -> None:
    control.connect()
    # Each would come in time after the one before it.
    delays_s = {"L:P": 0.05, "L:K": 0.45, "L:S": 0.9}
    timers: list[threading.Timer] = []

    def slow_get(_context: object, pv: str, handler: Callable[[object], None]) -> threading.Timer:
        timers.append(threading.Timer(delays_s[pv], handler, [scalar(1e-5)]))
        timers[-1].close = timers[-1].cancel  # pyright: ignore[reportAttributeAccessIssue]
        timers[-1].start()
        return timers[-1]

    monkeypatch.setattr(pva_get, "RawContext", SimpleNamespace(get=slow_get))
    readings = control.readings()
    assert readings["pressure"].value == 1e-5
    assert readings["words"].reason == "L:S: no answer within 0.5 s", "for all of them together"


def test_a_server_that_hangs_is_named_when_its_stamps_stand_still() -> None:
    """By this computer's clock alone: the server's may be wrong, or be set."""
    now = [100.0]
    quantities = [SlowQuantity("pressure", "L:P", "mbar", stale_after_s=5.0),
                  SlowQuantity("power", "L:P", "mbar")]  # fmt: skip
    control = EpicsSlowControl("slow_control", ["nowhere"], quantities, now_s=lambda: now[0])

    def look(stamp: int) -> list[str]:
        structure = scalar(1e-5)
        structure["timeStamp"]["secondsPastEpoch"] = stamp
        return [control._reading(q, structure, 1.0).severity for q in quantities]

    assert look(7) == ["ok", "ok"]
    now[0] += 5.0
    assert look(7) == ["ok", "ok"]
    now[0] += 0.1
    assert look(7) == ["invalid", "ok"], "the second may stand still"
    assert control._reading(quantities[0], scalar(1e-5), 1.0).severity == "ok", "a new stamp"
    assert look(3) == ["ok", "ok"], "a clock that was set back is a change"
