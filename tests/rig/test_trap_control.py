"""The camera never sees an abundant isotope."""

from typing import Any

import pytest

from drivers.errors import DriverError, ProtocolError, Timeout
from drivers.interfaces import TrapStatus


@pytest.mark.parametrize("isotope", [83, 84])
def test_gain_and_shutter_go_before_the_trap_moves_to_an_abundant_isotope(
    rig: Any, isotope: int
) -> None:
    rig.trap.to(isotope)
    assert rig.asked() == [
        ("camera", "set_em_gain"),
        ("camera", "close_shutter"),
        ("trap_switch", "set_offset"),
    ]
    assert rig.log[0] == ("camera", "set_em_gain", 0)


def test_the_trap_stays_when_the_camera_does_not_obey(rig: Any) -> None:
    rig.instruments.camera.answers["set_em_gain"] = Timeout("camera", "no answer")
    with pytest.raises(Timeout):
        rig.trap.to(84)
    assert ("trap_switch", "set_offset") not in rig.asked()
    assert rig.trap.isotope is None, "where the trap stands is not known any more"


def test_rare_isotopes_and_the_blank_keep_the_repumpers(rig: Any) -> None:
    for isotope, odd in ((85, True), (81, True), (0, True), (84, False)):
        rig.log.clear()
        rig.trap.to(isotope)
        assert rig.log[-1] == (
            "trap_switch", "set_offset", rig.config.trap_switch.offset_mhz(isotope), odd,
        )  # fmt: skip


def test_a_trap_on_its_way_is_told_from_one_that_nobody_has_set(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (rig.trap.isotope, rig.trap.switching) == (None, False)
    seen = []
    monkeypatch.setattr(
        rig.trap, "_sleep", lambda _s: seen.append((rig.trap.isotope, rig.trap.switching))
    )
    rig.trap.to(85)
    assert seen == [(None, True)]
    assert (rig.trap.isotope, rig.trap.switching) == (85, False)
    rig.instruments.trap_switch.answers["set_offset"] = Timeout("trap_switch", "no answer")
    with pytest.raises(Timeout):
        rig.trap.to(81)
    assert (rig.trap.isotope, rig.trap.switching) == (None, False)


def test_a_switch_settles_and_says_how_long_it_took(rig: Any) -> None:
    switching_s, settling_s = rig.trap.to(85)
    assert switching_s == 0.0
    assert settling_s == pytest.approx(0.5)
    assert rig.trap.to(85) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("offset_mhz", "near"),
    [(-265.0, ""), (-96.0, ""), (-180.0, "83Kr"), (-170.0, "83Kr"), (20.0, "84Kr"), (120.0, "")],
)
def test_gain_is_forbidden_near_an_abundant_isotope(rig: Any, offset_mhz: float, near: str) -> None:
    rig.instruments.trap_switch.answers["status"] = TrapStatus(offset_mhz, True, False, True)
    assert near in rig.trap.gain_forbidden()
    assert bool(rig.trap.gain_forbidden()) == bool(near)


GARBLED = ProtocolError("isotope_offset", ":FREQ? was answered by '1.2e'")
LOST = Timeout("isotope_offset", "no answer to :FREQ? within 1.2 s")


@pytest.mark.parametrize(("error", "asked"), [(LOST, 1), (GARBLED, 2)])
def test_gain_is_forbidden_while_nobody_knows_where_the_trap_is(
    rig: Any, error: DriverError, asked: int
) -> None:
    """A silent one has had its time with the first question."""
    rig.instruments.trap_switch.answers["status"] = error
    assert rig.trap.gain_forbidden() == f"where the trap is cannot be read ({error})"
    assert [call for call in rig.log if call[1] == "status"] == [("trap_switch", "status")] * asked


def test_one_answer_of_the_generator_may_go_wrong(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [GARBLED, TrapStatus(-265.0, True, False, True)]

    def status() -> TrapStatus:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(rig.instruments.trap_switch, "status", status, raising=False)
    told: list[str] = []
    rig.trap.lost_answer = told.append
    assert rig.trap.gain_forbidden() == ""
    assert not answers
    assert told == [str(GARBLED)], "the segment under way is flagged all the same"


@pytest.mark.parametrize(
    ("from_isotope", "to_isotope"), [(None, 85), (81, 85), (85, 81), (0, 81), (81, 0)]
)
def test_the_camera_is_dark_while_the_lasers_pass_an_abundant_isotope(
    rig: Any, from_isotope: int | None, to_isotope: int
) -> None:
    rig.trap.isotope = from_isotope
    rig.trap.to(to_isotope)
    assert rig.asked() == [
        ("camera", "set_em_gain"),
        ("camera", "close_shutter"),
        ("trap_switch", "set_offset"),
    ]
    assert rig.log[0] == ("camera", "set_em_gain", 0)


def test_a_way_that_touches_no_abundant_isotope_keeps_the_camera_open(rig: Any) -> None:
    trap_switch = rig.config.trap_switch.model_copy(update={"offset_81_mhz": -290.0})
    rig.config = rig.config.model_copy(update={"trap_switch": trap_switch})
    assert not rig.config.trap_switch.passes_abundant(81, 85)
    assert rig.config.trap_switch.passes_abundant(81, 0)
    assert rig.config.trap_switch.passes_abundant(81, 83)
