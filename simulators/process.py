"""The simulator process: the world, every server, the control socket, the ports file."""

import asyncio
import contextlib
import sys

from simulators.clock import RigClock
from simulators.truth import load_truth, to_toml

PARENT_CHECK_S = 0.5


def main(argv: list[str] | None = None) -> int:
    """Run the simulated rig until SIGTERM, SIGINT or the end of `--parent-pid`.

    Returns the exit code: 0 ended as asked, 2 the truth file or an argument is not usable.
    """
    arguments = _parser().parse_args(argv)
    try:
        truth = load_truth(arguments.truth)
    except (OSError, ValueError) as error:
        print(_truth_problem(arguments.truth, error), file=sys.stderr)
        return 2
    if arguments.print_truth:
        print(to_toml(truth), end="")
        return 0
    try:
        clock = RigClock(arguments.speed)
    except ValueError as error:
        print(f"--speed: {error}", file=sys.stderr)
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(truth, clock, arguments))
    return 0
