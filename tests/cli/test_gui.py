"""`atta-daq gui`: what it starts, what it leaves running, how it ends. The window is a stand-in."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tomli_w
from rigs import Rig

from atta_daq.client.client import StationClient
from atta_daq.client.discovery import find_station

WINDOW = """
import json, pathlib, signal, sys, time
here = pathlib.Path(__file__).parent.parent
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
(here / "window.json").write_text(json.dumps(sys.argv[1:]))
while not (here / "close").exists():
    time.sleep(0.05)
sys.exit(int((here / "close").read_text()))
"""
HEAVY = ("numba", "bluesky", "scipy", "h5py", "matplotlib", "p4p", "numpy")


class Command:
    """One `atta-daq gui` and its stand-in of a window."""

    def __init__(self, folder: Path, arguments: tuple[object, ...]) -> None:
        (folder / "gui").mkdir(exist_ok=True)
        (folder / "gui" / "__init__.py").write_text("")
        (folder / "gui" / "__main__.py").write_text(WINDOW)
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "atta_daq", "gui", *map(str, arguments)],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(Path.cwd())))},
        )  # fmt: skip

    def window(self) -> list[str]:
        """Arguments of the window, once it is open."""
        path = self.folder / "window.json"
        wait_until(lambda: path.exists() and path.read_text() != "")
        return json.loads(path.read_text())

    def close_window(self, code: int = 0) -> None:
        (self.folder / "close.part").write_text(str(code))
        (self.folder / "close.part").replace(self.folder / "close")

    def end(self) -> tuple[int, str]:
        """Exit code and what it said, when it has ended by itself."""
        _, said = self.process.communicate(timeout=90)
        return self.process.returncode, said


def wait_until(reached: Callable[[], object], timeout_s: float = 90.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline, "not reached in time"
        time.sleep(0.05)


@pytest.fixture
def gui(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    made: list[Command] = []

    def start(*arguments: object) -> Command:
        made.append(Command(tmp_path, arguments))
        return made[-1]

    yield start
    for command in made:
        if command.process.poll() is None:
            command.process.send_signal(signal.SIGTERM)
            command.process.communicate(timeout=90)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- light ----------------------------------------------------------------------------------


def loaded_after(code: str) -> list[str]:
    """Heavy modules that are loaded after `code` in a fresh interpreter."""
    text = f"import sys\n{code}\nprint(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=50, check=True
    )
    return done.stdout.splitlines()[-1].split()


def test_the_version_loads_nothing_heavy() -> None:
    assert "numpy" in loaded_after("import atta_daq.cli.run"), "the probe sees them"
    assert loaded_after("from atta_daq.cli.app import run_app; run_app(['--version'])") == []


@pytest.mark.parametrize("arguments", [[], ["--simulate"], ["--connect", "lab-pc"]])
def test_the_window_is_started_with_nothing_heavy_loaded(arguments, tmp_path: Path) -> None:
    code = f"""
import subprocess
import atta_daq.cli.gui
from atta_daq.cli.app import run_app
started = []
def popen(command, **_):
    started.append(command)
    raise FileNotFoundError(2, "stopped here", "x")
subprocess.Popen = popen
assert run_app(["gui", *{arguments!r}, "--data", {str(tmp_path)!r}]) == 2
assert len(started) == 1, started
"""
    assert loaded_after(code) == []


# --- arguments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--simulate", "--connect", "lab-pc"), "--simulate and --connect exclude each other"),
        (("--connect", "lab-pc", "--speed", "3"), "--speed belongs to --simulate"),
        (("--simulate", "--speed", "0"), "--speed: 0 is not allowed"),
        (("--simulate", "--rig", "x"), "--rig: with --simulate the rig has its name already"),
        (("--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_wrong_arguments_start_nothing(call, nothing_starts, arguments, said) -> None:
    call("gui", *arguments).refused(said)


def test_station_wants_one_rig(call, nothing_starts, write_rig) -> None:
    call("station").refused("either --simulate or --config")
    call("station", "--simulate", "--config", write_rig()).refused("either --simulate or --config")
    call("station", "--config", write_rig(), "--speed", "3").refused(
        "--speed belongs to --simulate"
    )


# --- windows --------------------------------------------------------------------------------


def test_the_window_attaches_to_what_there_is(gui) -> None:
    command = gui("--connect", "lab-pc:5075", "--rig", "east")
    assert command.window() == ["--connect", "lab-pc:5075", "--rig", "east"]
    command.close_window(7)
    assert command.end() == (7, "")


def test_ctrl_c_closes_the_window(gui) -> None:
    command = gui()
    assert command.window() == []
    os.killpg(command.process.pid, signal.SIGINT)
    assert command.end() == (130, "")


@pytest.mark.timeout(240)
def test_a_simulated_rig_lives_as_long_as_its_window(gui, tmp_path: Path) -> None:
    command = gui("--simulate", "--data", tmp_path / "data")
    option, name, told = command.window()
    assert (option, told) == ("--rig", "--simulated")
    wait_until(lambda: find_station(name) is not None)
    endpoint = find_station(name)
    assert endpoint is not None
    with StationClient(endpoint) as client:
        assert str(client.get("run:state")) == "idle"
    command.close_window()
    code, said = command.end()
    assert code == 0, said
    assert find_station(name) is None
    assert not lives(endpoint.pid)
    assert f"station '{name}' serves on" in (tmp_path / "data" / "station.log").read_text()


@pytest.mark.timeout(240)
def test_a_simulated_rig_that_does_not_start_ends_the_window(gui, tmp_path: Path) -> None:
    truth = tmp_path / "truth.toml"
    truth.write_text("[source]\nno_such_thing = 1.0\n")
    command = gui("--simulate", "--truth", truth, "--data", tmp_path / "data")
    code, said = command.end()
    assert code == 2
    assert "no_such_thing" in said
    assert "Traceback" not in said


@pytest.mark.timeout(240)
def test_the_station_of_a_rig_file_outlives_the_window(gui, own_rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(tomli_w.dumps({**own_rig.config, "data_dir": str(tmp_path / "runs")}))
    command = gui("--config", path)
    assert command.window() == ["--rig", own_rig.name]
    wait_until(lambda: find_station(own_rig.name) is not None)
    endpoint = find_station(own_rig.name)
    assert endpoint is not None
    command.close_window()
    code, said = command.end()
    assert code == 0
    assert f"kill {endpoint.pid}" in said
    assert "goes on when the window is closed" in said
    assert find_station(own_rig.name) == endpoint, "it goes on"

    (tmp_path / "close").unlink()
    (tmp_path / "window.json").unlink()
    second = gui("--config", path)
    assert second.window() == ["--rig", own_rig.name]
    second.close_window()
    assert second.end() == (0, ""), "attached: nothing was started"
    with StationClient(endpoint) as client:
        client.command("shutdown")
    wait_until(lambda: find_station(own_rig.name) is None)
