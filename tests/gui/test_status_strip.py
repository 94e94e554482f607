"""The strip over everything: why a run waits and what the station tries, what it had to skip."""

from fakes_gui import FakeLink
from panel_tools import Shown

from gui.status_strip import StatusStrip
from gui.theme.palettes import Tone


def test_a_run_that_waits_says_why_and_what_is_tried(shown: Shown, link: FakeLink) -> None:
    strip = shown(StatusStrip)
    link.feed(run__state="running", run__id="a run", run__suspended="lock lost: peaks",
              run__recovery="relock and verify the mode, try 2 of 5", run__skipped=0)  # fmt: skip
    assert strip.badges["run"].word == "suspended"
    assert strip.badges["run"].tone is Tone.WARNING
    assert strip._suspended.isVisible()
    words = "waiting (relock and verify the mode, try 2 of 5): lock lost: peaks"
    assert strip._suspended.full == words
    link.feed(run__recovery="")
    assert strip._suspended.full == "waiting: lock lost: peaks"
    link.feed(run__suspended="")
    assert not strip._suspended.isVisible()
    assert "skipped" not in strip._run.full
    link.feed(run__skipped=1)
    assert "1 block skipped" in strip._run.full
    link.feed(run__skipped=2)
    assert "2 blocks skipped" in strip._run.full
