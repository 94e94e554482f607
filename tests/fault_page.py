"""`docs/reference/faults.md`, written from the tables that the tests of the faults go by."""

from pathlib import Path

from fault_matrix import ELSEWHERE, EXEMPT, NAMED_S, NOT_IDLE, SERVERS, Cell, cells, expected
from fault_midrun import LATE_NAMES, at_end, quick, unflagged

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "faults.md"

MEANINGS = {
    "no_reply": "it acts, its replies are lost; a camera server is gone",
    "late": "replies, or the taking of a put, come 3 s late",
    "garbled": "some characters are wrong; a process variable reads as no number",
    "half": "replies stop in the middle; frames have half of their pixels",
    "wrong_unit": "numbers in another unit",
    "dropped": "every connection is cut once",
    "refused": "connections are cut, and new ones at once",
    "frozen": "bytes are taken and neither acted upon nor answered",
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
}
HEAD = f"""# What happens when something fails

Generated from the tables of the tests (`tests/fault_matrix.py`, `tests/fault_midrun.py`); the tests
hold every cell against the simulated rig at speed 1, and fail when this page says anything else.
A fault is commanded at the control socket of the simulators, `{{"cmd": "fault", "instrument": ...,
"fault": ...}}`.

For every cell: the fault is named within {NAMED_S:g} s (where the table gives another time, that is
the instrument's own), by an error of the driver that is served as an alarm, or by the instrument's
status; no reading is ever taken for another's; the amplifier is undamaged and, without its seed,
below its ceiling; and when the fault has gone the same program works on, without a restart of
anything. In mid-run the segment under way is flagged with the reason and never summed, the run
waits (`run:suspended` says for what) until everything answers and the light is back, and the block
is taken again, unless the table says why the segment is as good as before.

Cells marked *test* in mid-run are taken by every `make test`, all of them by `make soak`. The idle
half is always taken whole.

| fault | what happens |
|---|---|
"""
NAMES = {"isotope_offset": "isotope_offset (generator of the trap switch)"}


def _mid_run(cell: Cell) -> str:
    tier = "test" if quick(cell) else "soak"
    spared = unflagged(cell)
    limit_s = LATE_NAMES.get((cell.server, cell.fault))
    after = f" within {limit_s:g} s" if limit_s else ""
    if at_end(cell):
        after = " at its end"
    return f"{f'kept: {spared}' if spared else f'flagged{after}, retaken'} ({tier})"


def _idle(cell: Cell) -> str:
    if (cell.server, cell.fault) in NOT_IDLE:
        return "only while it acquires"
    return " or ".join(expected(cell))


def page() -> str:
    """The whole page."""
    faults = dict.fromkeys(cell.fault for server in SERVERS for cell in cells(server))
    text = HEAD + "".join(f"| `{fault}` | {MEANINGS[fault]} |\n" for fault in faults)
    for server in SERVERS:
        text += f"\n## {NAMES.get(server, server)}\n\n| fault | idle | mid-run |\n|---|---|---|\n"
        for cell in cells(server):
            text += f"| `{cell.fault}` | {_idle(cell)} | {_mid_run(cell)} |\n"
        for fault, why in EXEMPT.get(server, {}).items():
            text += f"| `{fault}` | cannot happen: {why} | |\n"
        for fault, why in ELSEWHERE.get(server, {}).items():
            text += f"| `{fault}` | not here: {why} | |\n"
    return text
