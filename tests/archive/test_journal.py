"""The journal keeps what it acknowledged, whatever happens to the end of the file."""

import logging
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atta_daq.archive.errors import JournalDamaged, WriteFailed
from atta_daq.archive.journal import Document, DocumentKind, JournalWriter, read_journal

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_documents = st.builds(
    Document,
    seq=st.integers(0, 2**40),
    utc_s=st.floats(0, 4e9),
    rig_s=st.floats(0, 4e9),
    doc=st.sampled_from(list(DocumentKind)),
    body=st.dictionaries(st.text(), _json, max_size=5),
)


def _writer(path: Path, clock) -> JournalWriter:
    return JournalWriter(path, clock, clock)


def _written(path: Path, clock, count: int = 3) -> bytes:
    writer = _writer(path, clock)
    for number in range(count):
        writer.append("note", {"text": f"µ {number}"})
    writer.close()
    return path.read_bytes()


@settings(deadline=None)
@given(_documents)
def test_a_document_comes_back_as_it_was(document: Document) -> None:
    line = document.to_line()
    assert line.count(b"\n") == 1
    assert Document.from_line(line) == document


def test_numpy_values_are_written_as_numbers_and_lists(tmp_path: Path, clock) -> None:
    writer = _writer(tmp_path / "j", clock)
    body = {"a": np.float32(0.5), "b": np.arange(3), "c": np.bool_(True), "d": np.int64(7)}
    writer.append("event", body)
    writer.close()
    (document,) = read_journal(tmp_path / "j").documents
    assert document.body == {"a": 0.5, "b": [0, 1, 2], "c": True, "d": 7}


def test_what_json_cannot_hold_is_refused_and_takes_no_number(tmp_path: Path, clock) -> None:
    writer = _writer(tmp_path / "j", clock)
    with pytest.raises(TypeError, match="set"):
        writer.append("note", {"text": {1, 2}})
    assert writer.append("note", {"text": "good"}).seq == 0
    writer.close()


def test_every_cut_of_the_last_line_leaves_the_others_readable(
    tmp_path: Path, clock, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "j"
    whole = _written(path, clock)
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last + 1, len(whole) - 1):
        caplog.clear()
        path.write_bytes(whole[:cut])
        content = read_journal(path)
        assert [d.seq for d in content.documents] == [0, 1]
        assert content.torn == whole[last:cut]
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "line 3" in record.message
        assert "torn" in record.message


def test_a_missing_last_newline_loses_nothing(tmp_path: Path, clock) -> None:
    path = tmp_path / "j"
    path.write_bytes(_written(path, clock)[:-1])
    assert len(read_journal(path).documents) == 3
    writer = _writer(path, clock)
    writer.append("note", {})
    writer.close()
    assert [d.seq for d in read_journal(path).documents] == [0, 1, 2, 3]


def test_zeros_at_the_end_as_after_a_power_cut_are_a_torn_line(tmp_path: Path, clock) -> None:
    path = tmp_path / "j"
    path.write_bytes(_written(path, clock) + b"\0" * 100)
    assert len(read_journal(path).documents) == 3


def test_going_on_after_a_torn_line_cuts_it_off(tmp_path: Path, clock) -> None:
    path = tmp_path / "j"
    path.write_bytes(_written(path, clock)[:-10])
    writer = _writer(path, clock)
    assert writer.torn.startswith(b'{"seq":2')
    assert writer.append("stop", {}).seq == 2
    writer.close()
    content = read_journal(path)
    assert [d.doc.value for d in content.documents] == ["note", "note", "stop"]
    assert content.torn == b""


def test_a_torn_line_in_the_middle_is_refused_with_its_number(tmp_path: Path, clock) -> None:
    path = tmp_path / "j"
    lines = _written(path, clock).splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:20] + b"\n" + lines[2])
    with pytest.raises(JournalDamaged, match=r"line 2: cannot be read.*1 documents"):
        read_journal(path)


def test_a_lost_line_is_noticed(tmp_path: Path, clock) -> None:
    path = tmp_path / "j"
    lines = _written(path, clock).splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(JournalDamaged, match="line 2: carries seq 2, expected 1"):
        read_journal(path)


def test_a_refused_write_leaves_the_journal_as_it_was(
    tmp_path: Path, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "j"
    whole = _written(path, clock)
    writer = _writer(path, clock)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("atta_daq.archive.journal.sync", full)
        with pytest.raises(WriteFailed, match="document 3 could not be written"):
            writer.append("note", {"text": "lost"})
    assert path.read_bytes() == whole
    assert writer.append("note", {"text": "kept"}).seq == 3
    writer.close()
    assert [d.body["text"] for d in read_journal(path).documents][-1] == "kept"


def test_a_journal_that_cannot_be_gone_on_with_leaves_no_file_open(
    tmp_path: Path, clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(_written(path, clock).removesuffix(b"\n"))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("atta_daq.archive.journal.sync", full)
    open_files = psutil.Process().num_fds()
    with pytest.raises(WriteFailed, match="No space left"):
        _writer(path, clock)
    assert psutil.Process().num_fds() == open_files


def test_threads_do_not_mix_their_lines(tmp_path: Path, clock) -> None:
    writer = _writer(tmp_path / "j", clock)

    def work(name: int) -> None:
        for number in range(25):
            writer.append("note", {"thread": name, "number": number})

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    bodies = [d.body for d in read_journal(tmp_path / "j").documents]
    for name in range(4):
        assert [b["number"] for b in bodies if b["thread"] == name] == list(range(25))
