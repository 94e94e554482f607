"""The dose of the camera's register: kept, never lost to a bad file."""

import json
import os
from pathlib import Path

import pytest

from atta_daq.station.register_dose import FILE, RegisterDose


def stored(folder: Path) -> dict[str, float]:
    return json.loads((folder / FILE).read_text())["nc"]


def test_sessions_add_up_for_each_sensor(tmp_path: Path) -> None:
    for session_nc in (1.5, 2.0):
        dose = RegisterDose(tmp_path, "DU897 1")
        dose.session(session_nc)
        dose.save()
    other = RegisterDose(tmp_path, "DU888 7")
    other.session(0.25)
    other.save()
    assert stored(tmp_path) == {"DU897 1": 3.5, "DU888 7": 0.25}
    again = RegisterDose(tmp_path, "DU897 1")
    assert (again.session_nc, again.total_nc, list(again.causes())) == (0.0, 3.5, [])


def test_it_is_saved_every_ten_seconds_and_only_when_it_has_grown(tmp_path: Path) -> None:
    wall = [0.0]
    dose = RegisterDose(tmp_path, "DU897 1", monotonic=lambda: wall[0])
    wall[0] = 11.0
    dose.step()
    assert not (tmp_path / FILE).exists()
    dose.session(1.0)
    dose.step()
    assert not (tmp_path / FILE).exists(), "it was looked at a moment ago"
    wall[0] = 22.0
    dose.step()
    assert stored(tmp_path) == {"DU897 1": 1.0}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": 1, "nc": {"a": "x"}}', '{"schema": 1, "nc": {"a": -1}}',
             '{"schema": 2, "nc": {"a": 1}}', '{"schema": 1, "nc": {"a": NaN}}'],
)  # fmt: skip
def test_a_file_that_is_none_is_set_aside(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    dose = RegisterDose(tmp_path, "DU897 1")
    assert dose.total_nc == 0.0
    (cause,) = dose.causes()
    assert (cause.id, cause.source) == ("camera:dose", "camera")
    assert "cannot be used" in cause.text
    (kept,) = tmp_path.glob(f"{FILE}.unreadable-*")
    assert kept.read_text() == text
    dose.session(1.0)
    dose.save()
    assert stored(tmp_path) == {"DU897 1": 1.0}


def test_a_disk_that_takes_nothing_is_an_alarm_until_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dose = RegisterDose(tmp_path, "DU897 1")
    dose.session(1.0)
    with monkeypatch.context() as patch:

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "fsync", full)
        dose.save()
    (cause,) = dose.causes()
    assert (cause.id, cause.source, cause.severity) == ("camera:dose_kept", "camera", "minor")
    assert "cannot be written: No space left on device" in cause.text
    assert "free the disk" in cause.text
    assert list(tmp_path.iterdir()) == [], "a part of the file would take the room of others"
    assert dose.total_nc == 1.0
    dose.save()
    assert stored(tmp_path) == {"DU897 1": 1.0}
    assert list(dose.causes()) == []
