"""Process variables and commands of the queue of the night."""

from atta_daq.client.pv import Command, Reading

QUEUE_READINGS: tuple[Reading, ...] = (
    Reading(
        "queue:state",
        "string",
        "",
        "idle (nothing is left), waiting, running (a run of the queue is under way), paused",
    ),
    Reading(
        "queue:reason", "string", "", "why the queue is paused, or what the next entry waits for"
    ),
    Reading("queue:paused", "bool", "", "the queue starts nothing"),
    Reading("queue:entry", "int", "", "entry whose run is under way; 0 for none"),
    Reading(
        "queue:table",
        "table",
        "",
        "entries of the queue, one row each, in the order in which they are taken "
        "(`QUEUE_COLUMNS`)",
    ),
)

QUEUE_COLUMNS: tuple[tuple[str, str], ...] = (
    ("entry", "l"),
    ("name", "s"),
    ("state", "s"),
    ("priority", "l"),
    ("repeats", "l"),
    ("done", "l"),
    ("not_before", "d"),
    ("conditions", "s"),
    ("on_fault", "s"),
    ("waits_for", "s"),
    ("reason", "s"),
    ("run", "s"),
    ("duration_s", "d"),
    ("archive_bytes", "d"),
    ("expected_start", "d"),
    ("expected_end", "d"),
    ("added_by", "s"),
    ("added", "d"),
)
"""Columns of `queue:table`, with their PVA types. `entry` is the number that the commands take;
`state` is one of `QUEUE_STATES`; `done` of `repeats` measurements are complete; times are UTC,
seconds since 1970 (on a rig whose clock runs faster the rig's, but for `added`); NaN: none, or not
known. `conditions` stand in one line, `; ` between them; `waits_for` is what keeps a waiting
entry from its turn, `reason` why it ended early. `duration_s` (rig time) and `archive_bytes` are
predicted, of one measurement. `run` is its newest run. The expected times count what stands before
it in the queue and no condition."""

QUEUE_STATES = ("waiting", "running", "interrupted", "done", "aborted", "failed")
"""interrupted: its run died with the station, or ended with it; aborted: by an operator or STOP;
failed: by a fault, or the rig refused it. The last three keep their run, which can be gone on
with."""

QUEUE_COMMANDS: tuple[Command, ...] = (
    Command(
        "queue_add",
        ("scan", "path", "priority", "repeats", "not_before", "conditions", "on_fault"),
        "put a scan (TOML text) into the queue; `not_before` is an ISO time with its offset from "
        "UTC, `conditions` one in a line, `on_fault` 'pause' or 'skip'; answers the entry",
        begins=True,
    ),
    Command(
        "queue_change",
        ("entry", "scan", "path", "priority", "repeats", "not_before", "conditions", "on_fault"),
        "give a waiting entry what is named, validated as by `queue_add`; an empty `not_before` or "
        "`conditions` takes them away; its scan stays once it was measured in part",
    ),
    Command(
        "queue_move",
        ("entry", "before", "priority"),
        "before another entry ('first', 'last' or its number), or to another priority",
    ),
    Command("queue_remove", ("entry",), "take an entry out; its runs stay on disk"),
    Command("queue_pause", ("reason",), "start nothing more; a run under way goes on"),
    Command(
        "queue_resume",
        ("entry",),
        "start entries again, interrupted ones first; with an entry that was aborted or has "
        "failed, go on with that, too",
        begins=True,
    ),
    Command("queue_clear", ("which",), "'ended': what has ended; 'all': all but what runs"),
    Command("queue_scan", ("entry",), "the scan of an entry", needs_control=False),
)

QUEUE_ANSWERS: tuple[tuple[str, str], ...] = (
    ("queue_add", "`{entry, name, duration_s, archive_bytes}`, the prediction for one measurement"),
    ("queue_change", "`{entry, name}`"),
    ("queue_move", "`{entry, priority}`: the priority that it has now"),
    ("queue_remove", "`{removed}`"),
    ("queue_pause", "`{paused: true}`"),
    ("queue_resume", "`{paused: false}`"),
    ("queue_clear", "`{removed: [entry]}`"),
    ("queue_scan", "`{name, scan}`: TOML"),
)
