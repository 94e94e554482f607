"""`atta-daq protection`: the table, the trial, and when it is refused."""

import math
import time

import pytest

from atta_daq.cli.protection import trial_text
from atta_daq.station.ownership import RigLock
from drivers.interfaces import GuardTrial

TRIAL = GuardTrial(
    passed=True,
    current_ma=150.0,
    trip_s=0.007,
    allowed_s=0.2,
    by="LD-ENABLE of the amplifier's box",
    take_down_s=0.0021,
)


@pytest.mark.timeout(180)
def test_the_line_of_a_simulated_pair_is_exercised(call) -> None:
    done = call(
        "protection", "--simulate", "--with", "amplifier=thorlabs-itc4000", "--exercise", "--yes"
    )
    assert done.code == 0, done
    for text in ("LD-ENABLE", "latches the output off", "2500 mA, rig file 2500 mA",
                 "station's watchdog", "passed: at 150 mA the box switched itself off",
                 "cause: LD-ENABLE of the amplifier's box"):  # fmt: skip
        assert text in done.out


def test_it_is_refused_while_another_owns_the_rig(call, write_rig) -> None:
    path = write_rig("name", "protected-rig")
    lock = RigLock("protected-rig", "station")
    lock.acquire(time.time())
    try:
        call("protection", "--config", path, "--exercise", "--yes").refused("is in use by")
    finally:
        lock.release()


def test_arguments(call, nothing_starts) -> None:
    call("protection").refused("either --simulate or --config")
    call("protection", "--config", "rig.toml", "--with", "amplifier=x").refused(
        "--with belongs to --simulate"
    )


def test_what_a_trial_says() -> None:
    assert trial_text(TRIAL).startswith(
        "passed: at 150 mA the box switched itself off 7 ms after the seed (allowed 200 ms); "
        "cause: LD-ENABLE of the amplifier's box; the driver itself takes it down in 2.1 ms."
    )
    late = GuardTrial(False, 150.0, 0.5, 0.2, "", 0.002)
    assert trial_text(late).startswith("FAILED, too slow: at 150 mA")
    never = GuardTrial(False, 150.0, math.inf, 0.2, "", 0.002)
    assert trial_text(never).startswith("FAILED: the seed was taken away at 150 mA and the")
