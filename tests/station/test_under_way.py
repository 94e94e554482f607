"""What a run takes now: where its light is asked to stand, and when nothing is taken."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from atta_daq.analysis.records import SegmentKind
from atta_daq.client.runs import PointUnderWay
from atta_daq.rig.light import ResolvedTarget
from atta_daq.scans.blocks import PlannedSegment, Target
from atta_daq.scans.definition import ScanDefinition
from atta_daq.station.run_display import RunDisplay
from atta_daq.station.under_way import point_under_way
from drivers.errors import OutOfRange

CLOSED_LINE_MHZ, FULL_MW = 60.0, 499.0


class Light:
    """Fills in what a target leaves to the rig file."""

    def resolve(self, target: Target, isotope: int) -> ResolvedTarget:
        if target.line == "none":
            raise OutOfRange("lock", f"{isotope}Kr has no line none", "name another")
        return ResolvedTarget(
            CLOSED_LINE_MHZ if target.detuning_mhz is None else target.detuning_mhz,
            FULL_MW if target.power_mw is None else target.power_mw,
            target.sideband_frequency_mhz, target.sideband_depth,
        )  # fmt: skip


def scan(*quantities: str) -> ScanDefinition:
    axes = [{"quantity": quantity, "values": [1.0, 2.0]} for quantity in quantities]
    part: dict[str, Any] = {"isotope": 85, "dwell_s": 20.0, "axes": axes}
    return ScanDefinition.model_validate({"name": "x", "parts": [part]})


def planned(pumping: bool = True, target: Target | None = None, **more: Any) -> PlannedSegment:
    usual: dict[str, Any] = dict(
        kind=SegmentKind.RARE, isotope=85, pumping=pumping, point=3, target=target or Target(),
        dwell_s=20.0, bursts=None,
    )  # fmt: skip
    return PlannedSegment(**{**usual, **more})


def point(planned: PlannedSegment, definition: ScanDefinition) -> PointUnderWay:
    light: Any = Light()
    return point_under_way(planned, definition, light)


def test_the_swept_quantities_in_the_order_of_the_axes() -> None:
    at = Target(detuning_mhz=-150.0, power_mw=250.0)
    told = point(planned(target=at), scan("power_mw", "detuning_mhz"))
    assert told == PointUnderWay(
        "rare", 85, True, False, 3, {"power_mw": 250.0, "detuning_mhz": -150.0}
    )
    assert list(told.place) == ["power_mw", "detuning_mhz"]


def test_without_a_sweep_the_detuning_is_told() -> None:
    assert point(planned(), scan()).place == {"detuning_mhz": CLOSED_LINE_MHZ}


@pytest.mark.parametrize(
    "segment",
    [
        planned(pumping=False),
        planned(kind=SegmentKind.BLANK, isotope=0),
        planned(target=Target(line="none")),
    ],
)
def test_no_place_without_light_on_atoms(segment: PlannedSegment) -> None:
    assert point(segment, scan("detuning_mhz")).place == {}


def test_it_comes_back_from_its_text() -> None:
    told = point(planned(), scan("detuning_mhz"))
    assert PointUnderWay.from_json(told.to_json()) == told
    assert PointUnderWay.from_json("") is None


def test_nothing_is_taken_while_the_run_waits_pauses_or_ends() -> None:
    posted: dict[str, object] = {}
    server: Any = SimpleNamespace(post=posted.__setitem__, post_table=lambda rows: None)
    display = RunDisplay(server)
    told = point(planned(), scan("detuning_mhz"))
    for end in (
        lambda: display.suspended("lock lost"),
        lambda: display.state("paused"),
        lambda: display.state("stopping"),
        display.blank,
    ):
        display.state("running")
        display.begun(told)
        display.suspended("")
        assert posted["run:point"] == told.to_json()
        end()
        assert posted["run:point"] == ""


@pytest.mark.parametrize(
    "end", [lambda display: display.state("paused"), lambda display: display.suspended("lost")]
)
def test_who_sees_that_a_run_does_not_go_on_sees_no_point(
    end: Callable[[RunDisplay], None],
) -> None:
    posted: list[str] = []
    server: Any = SimpleNamespace(post=lambda name, _value: posted.append(name))
    end(RunDisplay(server))
    assert posted[0] == "run:point"
    assert len(posted) == 2
