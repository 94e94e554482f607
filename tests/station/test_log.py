"""The station's log: numbered lines with level and source, the last of them served together."""

from atta_daq.client.log import log_from_json
from atta_daq.station.log import KEPT_LINES, StationLog


def test_lines_are_served_together_with_level_source_and_time() -> None:
    posted: list[tuple[str, object]] = []
    log = StationLog(lambda name, value: posted.append((name, value)), lambda: 12.5)
    log.say("up")
    log.say("no light", "error", "amplifier")
    assert posted == [("station:message", "up"), ("station:message", "no light")]
    log.publish()
    log.publish()
    served = [value for name, value in posted if name == "station:log"]
    assert len(served) == 1, "nothing new, nothing sent"
    first, second = log_from_json(str(served[0]))
    assert (first.number, first.level, first.source, first.utc_s) == (1, "info", "station", 12.5)
    assert (second.number, second.level, second.source) == (2, "error", "amplifier")


def test_only_the_last_lines_are_kept() -> None:
    log = StationLog(lambda name, value: None, lambda: 0.0)
    for number in range(KEPT_LINES + 7):
        log.say(str(number))
    lines = log.lines()
    assert len(lines) == KEPT_LINES
    assert lines[-1].number == KEPT_LINES + 7
    assert lines[0].text == "7"
