"""The whole: `atta-daq watch` in a process of its own, on a station that takes a run."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from browser import look, text_of
from fed_page import until
from rigs import RunningStation, read_journal
from selenium.webdriver import Chrome

SCAN = """
name = "watched"
calibrate_counting_s = 60.0
bracket_period_s = 300.0
[[part]]
isotope = 85
dwell_s = 60.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
values = [-150.0, -50.0, 60.0, 160.0, 400.0, 700.0]
"""
SLOW = 20
EVENTS = b"GET /events HTTP/1.1\r\nHost: localhost\r\n"


class Watching:
    """The command's process."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path, port: int) -> None:
        self.process = process
        self.log = log
        self.port = port


@contextmanager
def watching(folder: Path, *arguments: str) -> Iterator[Watching]:
    log = folder / "watch.log"
    command = [sys.executable, "-m", "atta_daq", "watch", "--listen", "127.0.0.1:0", *arguments]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, text=True)
    try:
        found = until(lambda: re.search(r"http://127\.0\.0\.1:(\d+)/", log.read_text()), 60.0)
        yield Watching(process, log, int(found[1]))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20.0) == 0, log.read_text()


@pytest.mark.timeout(240)
def test_a_run_is_watched_from_home_and_does_not_feel_it(
    station: RunningStation, browser: Chrome, tmp_path: Path
) -> None:
    token_file = tmp_path / "token"
    with ExitStack() as stack:
        page = stack.enter_context(
            watching(tmp_path, "--rig", station.client.endpoint.rig,
                     "--token-file", str(token_file))
        )  # fmt: skip
        token = token_file.read_text().strip()
        look(browser, 390, 844)
        browser.get(f"http://127.0.0.1:{page.port}/?token={token}")
        until(lambda: "idle" in text_of(browser, "#state"), 60.0)
        for _ in range(SLOW):
            line = socket.socket()
            stack.enter_context(line)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", page.port))
            line.sendall(EVENTS + f"Authorization: Bearer {token}\r\n\r\n".encode())
        run_id = station.client.command("run", scan=SCAN)["run"]
        station.wait_for("run:state", lambda state: state == "running")
        until(lambda: "running" in text_of(browser, "#state"), 60.0)
        until(lambda: run_id in text_of(browser, "#run"))
        assert re.fullmatch(r"complete.*", station.wait_for_end(150.0))
        until(lambda: "the last run is complete" in text_of(browser, "#state"), 60.0)
        until(lambda: "background" in text_of(browser, "#sweep"), 30.0)
        points = (
            "return document.querySelectorAll('#sweep .plot svg:first-of-type circle.on').length"
        )
        assert browser.execute_script(points) >= 6
        shot = "const i = document.querySelector('#picture img'); return i && i.naturalWidth"
        assert browser.execute_script(shot) > 8
        assert "locked" in text_of(browser, "#instruments")
        assert station.client.get("station:control") == "", "looking takes no control"

        station.kill()
        until(lambda: "station lost" in text_of(browser, "#state"), 60.0)
        assert page.process.poll() is None
        assert token not in page.log.read_text()
        assert "Traceback" not in page.log.read_text()

    segments = [line["body"]["segment"] for line in read_journal(station.data / run_id)
                if "segment" in line["body"]]  # fmt: skip
    assert len(segments) >= 8
    assert sum(s["frames_lost"] for s in segments) == 0
    assert [s["flag"] for s in segments if s["flag"]] == []
    said = station.log.read_text()
    assert " refused" not in said
