"""`docs/reference/faults.md`: what must come of every fault, and what was measured.

`python tests/fault_page.py` (or `make docs`) writes the page from the list of the cells and the
file of results that a run of the matrix left.
"""

import re
from pathlib import Path

from fault_cells import (
    ELSEWHERE,
    EXEMPT,
    FAULTS,
    FIRST,
    KIND_OF,
    NO_BOX,
    NOT_IDLE,
    SLOW_S,
    TRIED,
    Cell,
    cells,
    expected,
)
from fault_matrix import CEILING, LASING, NAMED_S, OWN_TIMES_S, TRIAL_S
from fault_midrun import LATE_NAMES, RECORD_S, at_end, quick, unflagged
from fault_results import (
    BRACKET,
    BY_COMMAND,
    IN_RUN,
    MID_RUN,
    Measured,
    key_of,
    measured,
    seconds,
)
from fault_zeroing import PASSING

from atta_daq.cli.simulated_lab import STALE_S

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "faults.md"

MEANINGS = {
    "no_reply": "it acts, its replies are lost; a camera server is gone",
    "late": "replies, or the taking of a put, come 3 s late",
    "slow": f"every reply comes {SLOW_S:g} s late, within the driver's time limit for one",
    "garbled": "some characters are wrong; a process variable reads as no number",
    "half": "replies stop in the middle; frames have half of their pixels",
    "wrong_unit": "numbers in another unit",
    "dropped": "every connection is cut once",
    "refused": "connections are cut, and new ones at once",
    "frozen": "bytes are taken and neither acted upon nor answered; "
    "a server of the slow control answers with old values, told from new ones when their time "
    f"stamp has stood still for `stale_after_s` of the rig file ({STALE_S:g} s here)",
    "restarted": "power off and on: settings lost, connections cut, error queues empty",
    "trip": "the box switches the amplifier off by itself",
    "seed_loss": "the seed's light no longer reaches the amplifier",
    "interlock_open": "the interlock of the laser head opens",
    "key_off": "the key or the emission button of the laser head is turned off",
    "runaway": "a temperature runs away",
    "mode_hop": "the laser jumps to other modes",
    "cavity_jump": "the transfer cavity jumps by half a free spectral range",
    "stall": "the camera acquires and no frame comes",
    "drop_frames": "one frame of ten is lost",
    "disconnected": "the process variables are gone",
    "unlocked": "the synthesiser loses its lock",
    "ld_enable_stuck": "the wire from the seed's photodiode is broken and stays high",
    "pickoff_after_eom": "the cavity sees the sidebands of the modulator",
    "swapped_photodiodes": "master's and slave's photodiodes are swapped",
    "ramp_polarity": "the cavity's ramp runs the wrong way",
}
HEAD = """# What happens when something fails

Written by `make docs` from the list of faults that the tests go by (`tests/fault_cells.py`) and
from what a run of the whole matrix measured on {days} (`tests/data/fault-results.jsonl`). The
command `make faults` measures anew, in about {minutes} minutes. The tests hold every cell against
the simulated rig at speed 1. A fault is commanded at the control socket of the simulators,
`{{"cmd": "fault", "instrument": ..., "fault": ...}}`.

For every cell:

- the fault is named within {named_s:g} s (where the table gives another time, that is the
  instrument's own), by an error of the driver that is served as an alarm, or by the instrument's
  status; no reading is ever taken for another's;
- nothing moves towards danger, in the simulated hardware itself: the amplifier is undamaged and,
  without its seed, at or below its ceiling; no shutter opens; no gain, RF or trap light goes on;
- the rig comes to the safe state in **bold**, of what `docs/explanation/protection.md` says;
- when the fault has gone the same program works on, without a restart of anything;
- in mid-run the segment under way is flagged with the reason and never summed, the run waits
  (`run:suspended` says for what) until everything answers and the light is back, and the block is
  taken again, unless the table says why the segment is as good as before.

*Idle* is a rig that no run uses, with its drivers connected and its light on: the amplifier at
{lasing:g} mA, lasing, the lock closed, RF and trap light on, the 819-nm shutter open, the camera
closed. `make soak` repeats the idle half of amplifier and lock at an amplifier current of
{ceiling:g} mA, where it is seeded and does not lase. *Mid-run* counts 85Kr at full power with the
camera open at gain 200.

Times are measured, in seconds of wall time; where a cell was taken several times, the median and
the range, with the words of the last time. *Named* runs from the command of the fault to the error
of the driver (idle), or to the flag or alarm that a client of the station reads (mid-run). *Back*
runs from the end of the fault until the instrument reads as before (idle), or until the next
segment counts (mid-run).

Counting does without the loading detector and without the reference cell. They fail in the moment
in which they are needed, too. The detector fails in the record of a bracket, here of
{record_s:.1f} s; a wrong unit shows when it has been read, with the bursts of a usual rig file
after 5.3 s. The cell fails in the middle of a zeroing. A zeroing that fails leaves the axis as it
was, and `cell:zero` says why; a command is refused with it; a run that prepares waits until the
cell can be read, and zeroes then. One that meets a cut connection between two steps may go on to
the true zero. *Back* is there the time until a new zero was found.

Of the first rig every `make test` takes the idle half whole, in mid-run the cells that say *test*
and a draw of the others, and one of each detector when it is needed; of the other makes it takes a
draw. `make soak` takes all.

| fault | what happens |
|---|---|
"""
RULE = "|---|---|---|---|---|---|\n"
COLUMNS = "| fault | must be named | named by | named, s | safe state | back, s |\n" + RULE
RUN_COLUMNS = "| fault | must come of it | named by | named, s | safe state | back, s |\n" + RULE
LONGEST_REASON = 90
MINUTES = 25
"""That a run of everything takes."""
MOMENTS: dict[tuple[str, str], tuple[tuple[str, str, str], ...]] = {
    ("redpitaya", "loading"): ((BRACKET, "In a bracket", "flagged, retaken"),),
    ("redpitaya", "reference_cell"): (
        (BY_COMMAND, "In a zeroing by command", "refused, the axis stays"),
        (IN_RUN, "In the zeroing of a run", "the axis stays, the run waits and zeroes anew"),
    ),
}
"""What detectors that counting does without are needed for: half, title, what must come of it."""
NAMES = {
    "isotope_offset": "isotope_offset (generator of the trap switch)",
    "amplifier_seed": "amplifier_seed (the seed's box of the pair)",
}


def _mid_run_rule(cell: Cell) -> str:
    tier = "test" if quick(cell) and not cell.driver else "soak"
    spared = unflagged(cell)
    limit_s = LATE_NAMES.get((cell.server, cell.fault))
    after = f" within {limit_s:g} s" if limit_s else ""
    if at_end(cell):
        after = " at its end"
    return f"{f'kept: {spared}' if spared else f'flagged{after}, retaken'} ({tier})"


def _idle_rule(cell: Cell) -> str:
    """What must be said, and within which time where the instrument has one of its own."""
    own_s = OWN_TIMES_S.get((cell.server, cell.fault))
    limit_s = TRIAL_S if expected(cell) == (TRIED,) else own_s
    limit = f" within {limit_s:g} s" if limit_s else ""
    return " or ".join(expected(cell)) + limit


def _measured_cells(found: Measured | None) -> str:
    if found is None:
        return "not measured | | | "
    if found.named == ["none"]:
        return f"nothing to name | | {_state(found)} | {seconds(found.back_s)} "
    named = f"{', '.join(found.named)}: {short(found.reason)}"
    return f"{named} | {seconds(found.named_s)} | {_state(found)} | {seconds(found.back_s)} "


def short(reason: str) -> str:
    """What a reason says first, without the address, which is another in each run."""
    said = re.split(r" — | \(", reason.replace("|", "/"))[0].strip()
    said = re.sub(r"(socket://|TCPIP0::)?127\.0\.0\.1::?\d+(::SOCKET)?", "its address", said)
    return said if len(said) <= LONGEST_REASON else f"{said[:LONGEST_REASON].rstrip()} ..."


def _state(found: Measured) -> str:
    """What it must come to, and where the rig stood when it had."""
    return f"**{found.required}**: {found.state}" if found.required else found.state


def page() -> str:
    """The whole page."""
    found = measured()
    days = sorted({cell.day for cell in found.values()})
    faults = dict.fromkeys(fault for known in FAULTS.values() for fault in known)
    text = HEAD.format(
        days=" to ".join(dict.fromkeys((days[0], days[-1]))) if days else "nothing yet",
        minutes=MINUTES,
        named_s=NAMED_S,
        lasing=LASING.amplifier_ma,
        ceiling=CEILING.amplifier_ma,
        record_s=RECORD_S,
    )
    text += "".join(f"| `{fault}` | {MEANINGS[fault]} |\n" for fault in faults)
    for box in FAULTS:
        text += _box(*box, found)
    text += "\n## Without a simulated box\n\n"
    text += "".join(f"- `{driver}`: {why}.\n" for driver, why in NO_BOX.items())
    return text


def _box(driver: str, server: str, found: dict[tuple[str, str, str, str], Measured]) -> str:
    first = FIRST[KIND_OF.get(server, server)] == driver
    title = f"{NAMES.get(server, server)}: {driver}{'' if first else ', another make'}"
    text = f"\n## {title}\n\nIdle:\n\n{COLUMNS}"
    for cell in cells(driver, server):
        if why := NOT_IDLE.get((server, cell.fault)):
            text += f"| `{cell.fault}` | {why} | | | | |\n"
            continue
        result = _measured_cells(found.get(key_of(cell)))
        text += f"| `{cell.fault}` | {_idle_rule(cell)} | {result}|\n"
    for fault, why in EXEMPT.get((driver, server), {}).items():
        text += f"| `{fault}` | cannot happen: {why} | | | | |\n"
    for fault, why in ELSEWHERE.get((driver, server), {}).items():
        text += f"| `{fault}` | not here: {why} | | | | |\n"
    text += _at_ceiling([found.get(key_of(cell, CEILING.name)) for cell in cells(driver, server)])
    text += f"\nMid-run:\n\n{RUN_COLUMNS}"
    for cell in cells(driver, server):
        result = _measured_cells(found.get(key_of(cell, MID_RUN)))
        text += f"| `{cell.fault}` | {_mid_run_rule(cell)} | {result}|\n"
    for half, title, rule in MOMENTS.get((driver, server), ()):
        text += f"\n{title}:\n\n{RUN_COLUMNS}"
        for cell in cells(driver, server):
            result = _measured_cells(found.get(key_of(cell, half)))
            may = ", or it goes on" if half != BRACKET and cell.fault in PASSING else ""
            text += f"| `{cell.fault}` | {rule}{may} | {result}|\n"
    return text


def _at_ceiling(found: list[Measured | None]) -> str:
    """One sentence about the other idle state, where it was taken."""
    taken = [cell for cell in found if cell is not None]
    if not taken:
        return ""
    named_s = max(max(cell.named_s) for cell in taken)
    back_s = max(max(cell.back_s) for cell in taken)
    return (
        f"\nWith the amplifier {CEILING.name} ({CEILING.amplifier_ma:g} mA, not lasing) "
        f"{len(taken)} faults were taken: named after at most {named_s:.2f} s, in the same safe "
        f"states, back after at most {back_s:.2f} s.\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page())
