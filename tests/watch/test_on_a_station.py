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
import tomli_w
from browser import look, text_of
from fed_page import until
from mail_servers import Hook, webhook_server
from open_ports import connected, unexpected
from rigs import Rig, RunningStation, read_journal, start_rig, start_station, stop_station
from selenium.webdriver import Chrome

from atta_daq.cli.app import run_app

SCAN = """
name = "watched"
calibrate_counting_s = 100.0
bracket_period_s = 50.0
[[part]]
isotope = 85
dwell_s = 20.0
order = "sequential"
[[part.axis]]
quantity = "detuning_mhz"
values = [-150.0, 60.0, 700.0]
"""
POINTS = 3
SLOW = 20
SPEED = 15.0
"""Of the rig: six hundred frames a second a busy computer may lose without any viewer."""
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


@pytest.fixture
def calm_rig(tmp_path: Path) -> Iterator[Rig]:
    folder = tmp_path / "rig"
    folder.mkdir()
    rig = start_rig(folder, SPEED)
    yield rig
    rig.world.close()


@pytest.fixture
def station(calm_rig: Rig, tmp_path: Path) -> Iterator[RunningStation]:
    running = start_station(calm_rig, tmp_path / "data")
    yield running
    stop_station(running)


@pytest.fixture
def telling(calm_rig: Rig, tmp_path: Path) -> Iterator[tuple[RunningStation, Hook]]:
    """A station that tells a webhook of everything."""
    hook = Hook()
    secret = tmp_path / "secret"
    secret.write_text("the secret of the tests\n")
    secret.chmod(0o600)
    with webhook_server(hook) as port:
        webhook = {"url": f"http://127.0.0.1:{port}/", "secret_file": str(secret)}
        messages = {"gather_s": 0.0, "interval_s": 0.0, "quiet_s": 1.0, "webhook": webhook}
        config = {**calm_rig.config, "messages": messages}
        path = tmp_path / "rig.toml"
        path.write_text(tomli_w.dumps(config))
        running = start_station(Rig(calm_rig.world, config, path), tmp_path / "data")
        try:
            yield running, hook
        finally:
            stop_station(running)


def slow_viewer(port: int, authorization: str = "") -> socket.socket:
    """Asks for the events, and never reads. Its window is as small as the system allows."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", port))
    line.sendall(EVENTS + authorization.encode() + b"\r\n")
    return line


@pytest.mark.timeout(300)
def test_twenty_slow_viewers_and_a_run_that_does_not_feel_them(
    station: RunningStation, tmp_path: Path
) -> None:
    """Small: the soak test does it with a browser, a token, and messages."""
    endpoint = station.client.endpoint
    with ExitStack() as stack:
        page = stack.enter_context(watching(tmp_path, "--rig", endpoint.rig))
        for _ in range(SLOW):
            stack.enter_context(slow_viewer(page.port))
        run_id = station.client.command("run", scan=SCAN)["run"]
        assert unexpected(page.process.pid, host="127.0.0.1", tcp={page.port}) == []
        assert connected(page.process.pid, endpoint.tcp_port)
        assert station.wait_for_end() == "complete"
        with socket.create_connection(("127.0.0.1", page.port), timeout=10.0) as line:
            line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 200 ")
    require_undisturbed(station.data / run_id)


def require_undisturbed(folder: Path) -> None:
    """Every point is there, no frame was lost, nothing is flagged."""
    segments = [line["body"]["segment"] for line in read_journal(folder)
                if "segment" in line["body"]]  # fmt: skip
    assert len(segments) >= POINTS + 2
    assert sum(s["frames_lost"] for s in segments) == 0
    assert [s["flag"] for s in segments if s["flag"]] == []


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_a_run_is_watched_from_home_and_does_not_feel_it(
    telling: tuple[RunningStation, Hook],
    browser: Chrome,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    station, hook = telling
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
            stack.enter_context(slow_viewer(page.port, f"Authorization: Bearer {token}\r\n"))
        assert unexpected(page.process.pid, host="127.0.0.1", tcp={page.port}) == []
        run_id = station.client.command("run", scan=SCAN)["run"]
        until(lambda: run_id in text_of(browser, "#run"), 60.0)
        # The run itself is over in half a minute.
        seen = until(lambda: re.search("running|the last run", text_of(browser, "#state")), 200.0)
        assert seen[0] == "running"
        assert station.wait_for_end(200.0) == "complete"
        until(lambda: "the last run is complete" in text_of(browser, "#state"), 60.0)
        until(lambda: "background" in text_of(browser, "#sweep"), 60.0)
        points = "return document.querySelectorAll('#sweep .plot circle.on').length"
        assert browser.execute_script(points) >= POINTS
        shot = "const i = document.querySelector('#picture img'); return i && i.naturalWidth"
        assert browser.execute_script(shot) > 8
        assert "locked" in text_of(browser, "#instruments")
        assert station.client.get("station:control") == station.client.name, "not the page"
        until(lambda: {"run", "night"} <= {e["kind"] for x in hook.letters for e in x["events"]},
              60.0)  # fmt: skip

        station.kill()
        until(lambda: "station lost" in text_of(browser, "#state"), 60.0)
        assert page.process.poll() is None
        browser.get("about:blank")  # before the page ends, and attempts to connect fail
        said = page.log.read_text()
        assert token not in said
        assert "Traceback" not in said

    ended = next(e for x in hook.letters for e in x["events"] if e["kind"] == "run")
    assert ended["text"].startswith(f"run {run_id}: complete")
    assert "background = " in ended["text"]
    require_undisturbed(station.data / run_id)
    assert " refused" not in station.log.read_text()

    # The morning after, from what the killed station has left on disk.
    capsys.readouterr()
    assert run_app(["night", "--since", "1h", "--data", str(station.data)]) == 0
    first, second, _, page_path = capsys.readouterr().out.splitlines()
    assert first == "A good night: 1 measurement complete."
    assert re.match(r"\d+ atoms in 1 min 0 s of counting, camera open \d+ % of", second)
    assert "nothing flagged" in second
    written = Path(page_path).read_text(encoding="utf-8")
    assert "<h2>Readings</h2>" in written
    assert "Nobody kept alarms" not in written
