"""Records from the wire and from the archive are the same."""

import json
from dataclasses import asdict

import fakes_sweep as made
import pytest

from gui.sweep.records import LiveRecords, RunRecords, theories


def test_live_and_archived_records_are_the_same() -> None:
    part, fit = made.spectrum(), made.spectrum_fit()
    live = LiveRecords()
    info = made.info(state="complete")
    assert live.update(
        info.to_json(), json.dumps([asdict(part)]), json.dumps({"85Kr": fit.to_dict()})
    )
    archived = RunRecords.from_data(made.run_data(info.run_id, part, fit))
    assert live.records.info == archived.info
    assert live.records.parts == archived.parts == (part,)
    assert live.records.fits["85Kr"].to_dict() == archived.fits["85Kr"].to_dict()


def test_each_text_is_parsed_once() -> None:
    live = LiveRecords()
    texts = [made.info().to_json(), json.dumps([asdict(made.spectrum())]), ""]
    assert live.update(*texts)
    parts = live.records.parts
    assert not live.update(*texts)
    fit = json.dumps({"85Kr": made.spectrum_fit().to_dict()})
    assert live.update(texts[0], texts[1], fit)
    assert live.records.parts is parts


def test_the_newest_part_is_the_one_being_taken() -> None:
    first, second = made.spectrum(), made.on_off()
    records = RunRecords(None, (second, first))
    assert records.newest == first, "its last point is later"
    assert RunRecords(None, ()).newest is None


def test_a_theory_of_another_shape_is_refused() -> None:
    with pytest.raises(KeyError):
        theories({"parts": [{"name": "85Kr"}]})
