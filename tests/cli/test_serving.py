"""The station's process."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from atta_daq.cli import serving


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="nothing here is always full")
def test_a_station_serves_though_its_output_lies_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[str] = []

    class Owner:
        def __init__(self, *_: Any) -> None: ...

        def open(self) -> Any:
            return SimpleNamespace(rig="rig", host="127.0.0.1", tcp_port=5075)

        def wait(self, _asked_to_end: Any) -> None:
            did.append("served")

        def close(self) -> None:
            did.append("closed")

    for name in ("assembled", "require_writable", "loaded"):
        monkeypatch.setattr(serving, name, lambda *_: None)
    monkeypatch.setattr(serving, "load_rig", lambda _path: SimpleNamespace(data_dir=None))
    monkeypatch.setattr(serving, "Station", Owner)
    monkeypatch.setattr(serving.signal, "signal", lambda *_: None)
    path = tmp_path / "rig.toml"
    path.write_text("")
    # Unbuffered below: nothing is left to be written when it is closed.
    with Path("/dev/full").open("wb", buffering=0) as full:

        class Out:
            def write(self, text: str) -> int:
                return full.write(text.encode())

            def flush(self) -> None: ...

        monkeypatch.setattr(sys, "stdout", Out())
        serving.serve(path, tmp_path, 0)
    assert did == ["served", "closed"]
