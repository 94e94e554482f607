"""`atta-daq protection`: the table, the trial, and when it is refused."""

import math
import time
from dataclasses import replace

import pytest

from atta_daq.cli.protection import trials_text
from atta_daq.station.ownership import RigLock
from drivers.interfaces import GuardTrial

LINE = "LD-ENABLE of the amplifier's box"
TRIAL = GuardTrial(
    passed=True, current_ma=150.0, trip_s=0.007, allowed_s=0.2, by=LINE, take_down_s=0.0021,
    how="seed off", guards=(LINE,),
)  # fmt: skip


@pytest.mark.timeout(180)
def test_the_line_of_a_simulated_pair_is_exercised(call) -> None:
    done = call(
        "protection", "--simulate", "--with", "amplifier=thorlabs-itc4000", "--exercise", "--yes"
    )
    assert done.code == 0, done
    for text in ("LD-ENABLE", "latches the output off", "2500 mA, rig file 2500 mA",
                 "station's watchdog", "passed: seed off, amplifier at 150 mA: the box switched it",
                 f"by {LINE}; cause: {LINE}"):  # fmt: skip
        assert text in done.out


@pytest.mark.timeout(180)
def test_both_guards_of_a_simulated_dlc_pro_are_exercised(call) -> None:
    done = call("protection", "--simulate", "--exercise", "--yes")
    assert done.code == 0, done
    for text in ("passed: seed dimmed to ", "by seed-limits; cause: Amplifier shut down",
                 "passed: seed off, ", "by seed-limits or seedonly-check; cause: ",
                 "proved: seed-limits; only read back: seedonly-check"):  # fmt: skip
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
    passed, down = trials_text([TRIAL])
    assert passed == (
        "passed: seed off, amplifier at 150 mA: the box switched it off within 7 ms (allowed "
        f"200 ms) by {LINE}; cause: {LINE}"
    )
    assert down == "the driver itself takes it down in 2.1 ms. Both are off now"
    late = replace(TRIAL, passed=False, trip_s=0.5)
    assert trials_text([late])[0].startswith("FAILED, too slow: seed off, amplifier at 150 mA")
    never = replace(TRIAL, passed=False, trip_s=math.inf, by="")
    assert trials_text([never])[0].startswith(
        "FAILED: seed off, amplifier at 150 mA: it stayed on (allowed 200 ms). Do not raise it"
    )


def test_a_trial_says_which_of_two_guards_it_has_proved() -> None:
    dim = replace(TRIAL, how="seed dimmed to 56.2 mA", guards=("seed-limits",))
    both = replace(TRIAL, guards=("seed-limits", "seedonly-check"))
    assert "by seed-limits or seedonly-check" in trials_text([dim, both])[1]
    assert trials_text([dim, both])[2].startswith(
        "proved: seed-limits; only read back: seedonly-check: a seed that is off is seen"
    )
    assert trials_text([both])[1].startswith(
        "proved: none by itself; only read back: seed-limits, seedonly-check"
    )
    own = replace(TRIAL, guards=("seedonly-check",))
    assert len(trials_text([dim, own])) == 3, "both are proved: nothing to add"
    # What did not pass is proved by nothing.
    assert "only read back: seedonly-check" in trials_text([dim, replace(own, passed=False)])[2]
