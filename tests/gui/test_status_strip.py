"""The strip over everything: runs that wait or have ended, alarms, guards, the camera."""

import pytest
from fakes_gui import FakeLink
from fakes_sweep import info
from panel_tools import Shown
from window_states import calibrating, fault, running, trouble

from atta_daq.client.log import Alarm, alarms_to_json
from gui.context import Context
from gui.link.station import LinkState
from gui.status_strip import StatusStrip
from gui.theme.palettes import Tone


def test_a_run_that_waits_says_why_and_what_is_tried(shown: Shown, link: FakeLink) -> None:
    strip = shown(StatusStrip)
    link.feed(run__state="running", run__id="a run", run__suspended="lock lost: peaks",
              run__recovery="relock and verify the mode, try 2 of 5", run__skipped=0)  # fmt: skip
    assert strip.badges["run"].word == "suspended"
    assert strip.badges["run"].tone is Tone.WARNING
    assert strip._trouble.isVisible()
    words = "waiting (relock and verify the mode, try 2 of 5): lock lost: peaks"
    assert strip._trouble.full == words
    link.feed(run__recovery="")
    assert strip._trouble.full == "waiting: lock lost: peaks"
    link.feed(run__suspended="")
    assert not strip._trouble.isVisible()
    assert "skipped" not in strip._run.full
    link.feed(run__skipped=1)
    assert "1 block skipped" in strip._run.full
    link.feed(run__skipped=2)
    assert "2 blocks skipped" in strip._run.full
    link.feed(run__state="idle", run__id="")
    assert "skipped" not in strip._run.full


@pytest.mark.parametrize("missing", ["segment", "segments"])
def test_a_window_that_attaches_in_mid_run_waits_for_the_numbers(
    shown: Shown, link: FakeLink, context: Context, missing: str
) -> None:
    strip = shown(StatusStrip)
    # One delivery may hold the state of the run before its numbers have ever come.
    context.readings._values.pop(f"run:{missing}")
    link.feed(run__state="running", run__id="a run")
    assert strip.badges["run"].word == "running"
    assert strip._bar.value() == 0
    link.feed(run__segment=29, run__segments=97)
    assert strip._bar.text() == "29 of 97 segments"


def test_a_run_that_a_fault_ended_is_loud_until_its_alarm_is_acknowledged(
    shown: Shown, link: FakeLink
) -> None:
    strip = shown(StatusStrip)
    fault(link)
    badge = strip.badges["run"]
    assert (badge.word, badge.tone) == ("ended, aborted", Tone.DANGER)
    assert strip._trouble.isVisible()
    assert strip._trouble.full.startswith("ended, aborted: camera: no frame for 5.0 s")
    assert strip._bar.text() == "29 of 97 segments"
    # The station drops an alarm that is over and acknowledged.
    link.feed(station__alarms="[]")
    assert (badge.word, badge.tone) == ("ended, aborted", Tone.OFF)
    assert "no frame for 5.0 s" in badge.toolTip()
    assert not strip._trouble.isVisible()
    link.feed(run__outcome="", run__state="preparing", run__id="the next", run__info="")
    assert badge.word == "preparing"


@pytest.mark.parametrize("outcome", ["complete", "aborted: aborted by bench"])
def test_an_end_that_was_wanted_is_said_quietly(shown: Shown, link: FakeLink, outcome: str) -> None:
    strip = shown(StatusStrip)
    # The alarm is left of an earlier run.
    earlier = Alarm("run:fault", "run", "run a-1: aborted, camera", "major", 1.0, False, False)
    link.feed(run__id="b-2", run__outcome=outcome, station__alarms=alarms_to_json([earlier]))
    badge = strip.badges["run"]
    assert (badge.word, badge.tone) == (f"ended, {outcome.split(':')[0]}", Tone.OFF)
    assert not strip._trouble.isVisible()


def test_gaps_warn(shown: Shown, link: FakeLink) -> None:
    strip = shown(StatusStrip)
    told = info(run_id="b-2", state="complete with gaps", outcome="1 of 7 blocks were skipped")
    gaps = Alarm("run:fault", "run", "run b-2: complete with gaps", "major", 1.0, False, False)
    link.feed(run__id="b-2", run__outcome="complete with gaps: 1 of 7 blocks were skipped",
              run__info=told.to_json(), station__alarms=alarms_to_json([gaps]))  # fmt: skip
    badge = strip.badges["run"]
    assert (badge.word, badge.tone) == ("ended, complete with gaps", Tone.WARNING)
    assert strip._trouble.full == "ended, complete with gaps: 1 of 7 blocks were skipped"


def test_alarms_that_are_over_count_until_they_are_seen(shown: Shown, link: FakeLink) -> None:
    strip = shown(StatusStrip)
    badge = strip.badges["alarms"]
    fault(link)
    assert (badge.word, badge.tone) == ("1 active, 1 past unseen", Tone.DANGER)
    over = Alarm("lock", "lock", "lock lost", "major", 1.0, False, False)
    link.feed(station__alarms=alarms_to_json([over]))
    assert (badge.word, badge.tone) == ("1 past unseen", Tone.WARNING)
    active = Alarm("lock", "lock", "lock lost", "minor", 1.0, True, True)
    link.feed(station__alarms=alarms_to_json([active]))
    assert (badge.word, badge.tone) == ("1", Tone.WARNING)


def test_the_camera_is_fine_only_when_its_register_and_its_temperature_are(
    shown: Shown, link: FakeLink
) -> None:
    strip = shown(StatusStrip)
    badge = strip.badges["camera"]
    running(link)
    assert (badge.word, badge.tone) == ("gain 200", Tone.OK)
    link.feed(camera__stable=False)
    assert (badge.word, badge.tone) == ("gain 200, not settled", Tone.WARNING)
    link.feed(camera__stable=True, camera__gain=0)
    assert (badge.word, badge.tone) == ("gain off", Tone.OK)
    link.feed(camera__trip="0.5 % of the pixels saturated", camera__stable=False)
    assert (badge.word, badge.tone) == ("TRIPPED", Tone.DANGER)
    assert "saturated" in badge.toolTip()


def test_an_open_interlock_does_not_hide_that_the_guard_is_off(
    shown: Shown, link: FakeLink
) -> None:
    strip = shown(StatusStrip)
    assert strip.badges["guard"].word == "armed"
    trouble(link)
    for name, word in (("interlock", "OPEN"), ("guard", "NOT PROTECTED")):
        assert (strip.badges[name].word, strip.badges[name].tone) == (word, Tone.DANGER)


def test_an_open_shutter_is_well_only_with_light_behind_it(shown: Shown, link: FakeLink) -> None:
    strip = shown(StatusStrip)
    badge = strip.badges["shutter"]
    running(link)
    assert (badge.word, badge.tone) == ("ON", Tone.OK)
    trouble(link)
    assert (badge.word, badge.tone) == ("ON", Tone.WARNING)
    assert "12 mW instead of 499 mW" in badge.toolTip()
    link.feed(station__alarms="[]", amplifier__on=False)
    assert (badge.word, badge.tone) == ("open", Tone.OFF)
    assert "the amplifier is off" in badge.toolTip()
    link.feed(light__shutter=False, amplifier__on=True)
    assert (badge.word, badge.tone) == ("blocked", Tone.OFF)


def test_who_commands_and_who_watches_are_told_apart(shown: Shown, link: FakeLink) -> None:
    strip = shown(StatusStrip)
    link.feed(station__control="bench-2")
    assert strip.badges["control"].accessibleName() == "Control: bench-2, this window watches"


def test_what_the_rig_does_outside_a_run_stands_in_plain_words(
    shown: Shown, link: FakeLink
) -> None:
    strip = shown(StatusStrip)
    calibrating(link)
    badge = strip.badges["run"]
    assert badge.accessibleName() == "Rig: calibrating the cavity"
    link.feed(station__activity="")
    assert badge.accessibleName() == "Run: idle"


def test_the_time_left_stands_before_the_name_of_the_run(shown: Shown, link: FakeLink) -> None:
    strip = shown(StatusStrip)
    running(link)
    assert strip._run.full == "8 h 05 min left, 20261122-1229-85Kr-spectrum"


def test_a_station_is_named_once(shown: Shown, link: FakeLink) -> None:
    strip = shown(StatusStrip)
    for state, words in ((LinkState.LOST, "Station: lost"), (LinkState.SEARCHING, "Station: none")):
        link.go(state, "gone")
        assert strip.badges["station"].accessibleName() == words
