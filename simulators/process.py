"""The simulator as a process: arguments, the ports file, and when to end."""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulators.again import recall
from simulators.clock import RigClock
from simulators.parent import parent_watch
from simulators.truth import Truth, explain_invalid, load_truth, to_toml

PARENT_CHECK_S = 0.5
USAGE_ERROR = 2


def main(argv: list[str] | None = None) -> int:
    """Run the simulated rig until SIGTERM, SIGINT, or the end of `--parent-pid`.

    Returns the exit code: 0 ended as asked, 2 an argument or the truth file is not usable.
    Prints one line when everything listens; by then the ports file is complete.
    """
    arguments = _parser().parse_args(argv)
    try:
        truth = load_truth(arguments.truth)
    except (OSError, ValueError) as error:
        return _complain(_truth_problem(arguments.truth, error))
    if arguments.print_truth:
        sys.stdout.write(to_toml(truth))
        return 0
    if not 0.0 < arguments.speed <= 1e6:
        return _complain(f"--speed must be above 0 and at most 1e6, got {arguments.speed}")
    if arguments.seed < 0:
        return _complain(f"--seed must not be negative, got {arguments.seed}")
    return asyncio.run(_serve(truth, arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators", description="The simulated rig: every instrument on loopback."
    )
    parser.add_argument("--ports-file", type=Path, help="JSON file for the addresses")
    parser.add_argument("--speed", type=float, default=1.0, help="rig seconds per wall second")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers")
    parser.add_argument("--truth", type=Path, help="TOML file that overrides the default truth")
    parser.add_argument(
        "--instrument", action="append", default=[], type=_box, metavar="ROLE=DRIVER",
        help="box that plays a part, such as amplifier=toptica-dlcpro; repeat for more",
    )  # fmt: skip
    parser.add_argument(
        "--again", type=Path, metavar="PORTS_FILE",
        help="take the addresses and the rig time of a rig that was killed",
    )  # fmt: skip
    parser.add_argument("--print-truth", action="store_true", help="print the truth as TOML, end")
    parser.add_argument("--parent-pid", type=int, help="end when this process is gone")
    return parser


def _box(text: str) -> tuple[str, str]:
    role, sign, driver = text.partition("=")
    if not (role and sign and driver):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form ROLE=DRIVER")
    return role, driver


async def _serve(truth: Truth, arguments: argparse.Namespace) -> int:
    # Imported here: printing or refusing a truth must not wait seconds for numba and EPICS.
    from simulators.rig import SimulatedRig
    from simulators.servers import control
    from simulators.world.world import World

    stop = asyncio.Event()
    on_signals(stop)
    origins = None
    if arguments.again is not None:
        try:
            origins = recall(arguments.again)
        except (OSError, ValueError) as error:
            return _complain(f"--again: {error}")
    world = World(truth, RigClock(arguments.speed, again=origins), arguments.seed)
    try:
        rig = SimulatedRig(world, dict(arguments.instrument))
    except ValueError as error:
        return _complain(str(error))
    await rig.start()
    controller = await control.start(rig)
    ports = {**rig.addresses(), "control": controller.address}
    ports_file: Path | None = arguments.ports_file
    if ports_file is not None:
        write_atomically(ports_file, json.dumps(ports, indent=2) + "\n")
    where = str(ports_file) if ports_file is not None else json.dumps(ports)
    sys.stdout.write(f"simulated rig ready, seed {arguments.seed}: {where}\n")
    sys.stdout.flush()
    try:
        if arguments.parent_pid is None:
            await stop.wait()
        else:
            await _wait(stop, parent_watch(arguments.parent_pid))
    finally:
        if ports_file is not None:
            ports_file.unlink(missing_ok=True)
        await controller.stop()
        await rig.stop()
    return 0


async def _wait(stop: asyncio.Event, parent_lives: Callable[[], bool]) -> None:
    while parent_lives():
        try:
            await asyncio.wait_for(stop.wait(), PARENT_CHECK_S)
        except TimeoutError:
            continue
        return


def on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set `stop`, on the loop that runs now."""
    loop = asyncio.get_running_loop()

    def ask(*_: Any) -> None:
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)


def write_atomically(path: Path, text: str) -> None:
    """Nobody ever sees half of the file."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def _truth_problem(path: Path, error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "\n".join(f"{path}: {line}" for line in explain_invalid(error))
    return f"{path}: {error}"


def _complain(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return USAGE_ERROR
