"""Every process variable that a station serves: name, type, unit, meaning.

The station builds its server from these lists and `atta-daq docs names` prints them, so the
reference page cannot drift from the code. A full name is `<rig name>:<name>`.
"""

from atta_daq.client.pv import Command, Reading
from atta_daq.client.queue_names import QUEUE_ANSWERS, QUEUE_COMMANDS, QUEUE_READINGS

ENDPOINT = "atta-daq:station"
"""Full name, the same at every station, under which it tells what it is (JSON: `Endpoint`):
a client that knows only host and port learns the rig's name here."""
STOPS = "station:stops"
"""Counts the STOPs and the freezes of the lock by hand: either breaks off what was given before."""
STOPS_SEEN = "stops_seen"
"""An argument that every command with control takes: `STOPS` as the client knew it when it
began a sequence of commands. After a later one of either the rest of the sequence is refused."""
CALL_NUMBER = "call"
"""An argument that every command takes: a number that no other call has. PVA sends a call that was
under way again when its lost connection is back; the station carries it out once, unless it only
reads or is STOP."""

READINGS: tuple[Reading, ...] = (
    Reading("station:version", "string", "", "version of atta-daq that the station runs"),
    Reading("station:rig_time", "double", "s", "rig time, seconds since 1970"),
    Reading("station:control", "string", "", "client that holds control; empty for none"),
    Reading("station:message", "string", "", "last line of the log"),
    Reading(STOPS, "int", "", "how often STOP or `freeze_lock` came since the station started"),
    Reading("station:watchdog", "double", "ms", "slowest reaction of the watchdog so far", 1),
    Reading(
        "station:watchdog_look",
        "double",
        "ms",
        "longest time so far between two looks of the watchdog at seed and amplifier",
        1,
    ),
    Reading("station:rig", "string", "", "JSON: the rig in short (`client.rig_info.RigInfo`)"),
    Reading("station:activity", "string", "", "what the rig does outside a run; empty for nothing"),
    Reading("station:log", "string", "", "JSON: the last lines of the log (`client.log.LogLine`)"),
    Reading("station:alarms", "string", "", "JSON: active and unacknowledged alarms (`Alarm`)"),
    Reading("amplifier:seed_on", "bool", "", "seed diode on"),
    Reading("amplifier:seed_current_set", "double", "mA", "seed diode current, setpoint", 2),
    Reading("amplifier:seed_current", "double", "mA", "seed diode current, measured", 2),
    Reading("amplifier:seed_power", "double", "mW", "seed power at the amplifier", 2),
    Reading("amplifier:on", "bool", "", "amplifier on"),
    Reading("amplifier:current_set", "double", "mA", "amplifier current, setpoint", 1),
    Reading("amplifier:current", "double", "mA", "amplifier current, measured", 1),
    Reading("amplifier:output_power", "double", "mW", "amplifier output power", 1),
    Reading("amplifier:interlock_open", "bool", "", "interlock of the laser head open"),
    Reading("amplifier:emission", "bool", "", "key and emission button allow light"),
    Reading("amplifier:protected", "bool", "", "the box's own guard against missing seed is armed"),
    Reading("amplifier:health", "string", "", "health text of the box"),
    Reading("light:detuning_set", "double", "MHz", "819-nm detuning from 84Kr, setpoint", 2),
    Reading("light:detuning", "double", "MHz", "819-nm detuning from 84Kr, read back", 2),
    Reading("light:power", "double", "mW", "819-nm power in front of the source", 1),
    Reading("light:shutter", "bool", "", "819-nm shutter open"),
    Reading("light:ratio", "double", "", "84Kr loading with pumping light over without", 3),
    Reading("lock:locked", "bool", "", "transfer-cavity lock closed"),
    Reading("lock:reason", "string", "", "why the lock is open"),
    Reading("lock:ratio", "double", "", "peak ratio of slave to master", 6),
    Reading("lock:setpoint", "double", "", "setpoint of the peak ratio", 6),
    Reading("lock:rms", "double", "MHz", "RMS of the single-ramp slave frequency", 3),
    Reading("lock:actuator", "double", "", "position of the slave actuator in its range"),
    Reading("lock:peaks", "array", "us", "peaks on the ramp: master, slave, master; up, then down"),
    Reading("lock:errors", "array", "MHz", "slave frequency less its setpoint, last polls"),
    Reading("lock:trace_times", "array", "us", "times of the cavity's traces after the ramp began"),
    Reading("lock:trace_master", "array", "V", "photodiode of the master behind the cavity"),
    Reading("lock:trace_slave", "array", "V", "photodiode of the slave behind the cavity"),
    Reading("lock:trace_master_peaks", "array", "us", "fitted peaks of the master in that trace"),
    Reading("lock:trace_slave_peaks", "array", "us", "fitted peaks of the slave in that trace"),
    Reading("lock:trace_errors", "array", "MHz", "slave less its setpoint in the last sweeps"),
    Reading("cell:signal", "double", "V", "error signal of the reference cell, mean", 4),
    Reading("cell:rms", "double", "V", "its scatter", 4),
    Reading("cell:detunings", "array", "MHz", "steps of the last zeroing"),
    Reading("cell:volts", "array", "V", "error signal at those steps"),
    Reading("cell:zero", "string", "", "JSON: zero of the last zeroing, or why there is none"),
    Reading("sideband:frequency", "double", "MHz", "sideband frequency", 4),
    Reading("sideband:power", "double", "dBm", "RF power", 2),
    Reading("sideband:on", "bool", "", "RF on"),
    Reading("sideband:locked", "bool", "", "synthesiser locked"),
    Reading("power_meter:power", "double", "mW", "power on the head of the power meter", 4),
    Reading("power_meter:source_power", "double", "mW", "power at the source by the meter", 1),
    Reading(
        "power_meter:disagreement",
        "double",
        "",
        "power at the source by the meter over that by the amplifier's monitor, less 1",
        4,
    ),
    Reading("power_meter:wavelength", "double", "nm", "wavelength that the meter corrects for", 1),
    Reading("power_meter:range", "double", "mW", "largest power of the meter's range", 3),
    Reading("power_meter:overrange", "bool", "", "more light than the range takes: no power"),
    Reading("power_meter:zeroing", "bool", "", "the meter is taking its dark zero"),
    Reading("power_meter:dark", "double", "mW", "dark offset that the meter subtracts", 6),
    Reading(
        "slow:readings",
        "string",
        "",
        "JSON: slow control in the order of the rig file "
        "(`client.slow.SlowValue`); each is also served as `slow:<its name>`",
    ),
    Reading("camera:temperature", "double", "degC", "sensor temperature", 1),
    Reading("camera:stable", "bool", "", "sensor at its temperature"),
    Reading("camera:gain", "int", "", "EM gain"),
    Reading("camera:acquiring", "bool", "", "camera exposing"),
    Reading("camera:shutter", "bool", "", "camera shutter open"),
    Reading("camera:exposure", "double", "s", "exposure time"),
    Reading(
        "camera:saturated", "double", "", "fraction of saturated pixels in the latest frame", 5
    ),
    Reading(
        "camera:dose", "double", "nC", "charge through the EM register since the station started", 3
    ),
    Reading("camera:dose_total", "double", "nC", "charge through the EM register, ever", 1),
    Reading(
        "camera:trip", "string", "", "why the protection took the gain away; empty: it did not"
    ),
    Reading("camera:signals", "array", "e-", "light of the trap in the last frames, oldest first"),
    Reading("camera:arrivals", "array", "", "which of those frames an atom came in (provisional)"),
    Reading("camera:counting", "string", "", "JSON: how the run counts: electrons per atom, noise"),
    Reading("camera:frames", "int", "", "frames of this segment"),
    Reading("camera:lost", "int", "", "frames lost in this segment"),
    Reading("trap:isotope", "int", "", "isotope of the trap; 0 blank, -1 unknown"),
    Reading("trap:switching", "bool", "", "unknown because the lasers are on their way"),
    Reading("trap:offset", "double", "MHz", "trap offset from the 84Kr master", 3),
    Reading("trap:locked", "bool", "", "every trap laser locked"),
    Reading("trap:light", "bool", "", "trap light on"),
    Reading("loading:trace", "array", "V", "last trace of the loading detector"),
    Reading("loading:step", "double", "s", "time step of that trace", 7),
    Reading("loading:meter", "double", "V/s", "84Kr loading rate of the alignment, newest", 5),
    Reading("rate:counts", "int", "", "atoms of this segment so far (provisional)"),
    Reading("rate:counting", "double", "1/h", "atoms per hour of the last counting segment", 1),
    Reading("rate:loading_83", "double", "V/s", "last 83Kr loading rate", 5),
    Reading("rate:loading_84", "double", "V/s", "last 84Kr loading rate", 5),
    Reading(
        "calibrations:table",
        "table",
        "",
        "calibrations in use, one row each (`CALIBRATION_COLUMNS`)",
    ),
    Reading(
        "calibrations:progress", "string", "", "what the calibration under way does; empty for none"
    ),
    Reading("run:state", "string", "", "idle, preparing, running, paused, stopping"),
    Reading("run:id", "string", "", "run under way or last run"),
    Reading("run:info", "string", "", "JSON: what the run is about (`client.runs.RunInfo`)"),
    Reading("run:outcome", "string", "", "how the last run ended"),
    Reading("run:segment", "int", "", "segments taken"),
    Reading("run:segments", "int", "", "segments of the whole scan"),
    Reading("run:block", "int", "", "block under way"),
    Reading(
        "run:point", "string", "", "JSON: what is taken now (`client.runs.PointUnderWay`); empty"
    ),
    Reading("run:remaining", "double", "s", "rig time left, predicted", 0),
    Reading("run:suspended", "string", "", "why the run waits; empty when it does not"),
    Reading(
        "run:recovery", "string", "", "recipe and try by which a waiting run is brought back; empty"
    ),
    Reading("run:skipped", "int", "", "blocks that were given up and are missing"),
    Reading("run:table", "table", "", "segments of the run: one row each"),
    Reading("run:points", "string", "", "JSON: normalised points so far (`client.runs.Points`)"),
    Reading("run:fit", "string", "", "JSON: last fit of each part of the run"),
    Reading(
        "camera:image",
        "image",
        "ADU",
        "latest frame of the region of interest; `dataTimeStamp`: end of its exposure, rig time",
    ),
    *QUEUE_READINGS,
)

VIEW_LEASE_S = 60.0
"""Wall time after which a live view that nobody keeps (`keep_view`) goes off by itself."""


CALIBRATION_COLUMNS: tuple[tuple[str, str], ...] = (
    ("name", "s"),
    ("value", "d"),
    ("error", "d"),
    ("unit", "s"),
    ("text", "s"),
    ("made", "s"),
    ("valid_until", "s"),
    ("source", "s"),
    ("state", "s"),
    ("renewed_by", "s"),
)
"""Columns of `calibrations:table`, with their PVA types. `text` is value and error, rounded;
`made` and `valid_until` are ISO dates in UTC, empty where unknown; `source` is 'rig file', the id
of a stored result, or empty; `state` is 'valid', 'not measured', or 'stale: ' with the reason;
`renewed_by` is the argument `kind` of `calibrate` that measures it anew, empty for none."""

CALIBRATION_KINDS = (
    "axis-zero", "cavity", "fibre-power", "sideband-depth", "camera", "dwell", "source-drift",
)  # fmt: skip
"""What `calibrate` measures."""


def slow_name(name: str) -> str:
    """Process variable of a slow-control value: double, with unit, limits and severity."""
    return f"slow:{name}"


def _move(name: str, arguments: tuple[str, ...], meaning: str) -> Command:
    return Command(name, arguments, meaning, in_turn=True)


COMMANDS: tuple[Command, ...] = (
    Command(
        "run",
        ("scan", "path"),
        "start a scan given as TOML text; answers the run id",
        after_moves=True,
    ),
    Command(
        "resume_run",
        ("run",),
        "take what is missing of a run that ended too early; without a name, of the youngest",
        after_moves=True,
    ),
    Command("pause", ("when",), "'segment' finishes the segment, 'now' flags and retakes it"),
    Command("resume", (), "go on after a pause", begins=True),
    Command(
        "abort", ("reason",), "end the run (what was taken is kept), or the trying to resume one"
    ),
    Command("stop", (), "STOP: make every instrument safe, end the run", needs_control=False),
    _move("light_on", (), "seed on, amplifier on below its ceiling"),
    _move("light_off", (), "amplifier off, then seed and RF off"),
    _move(
        "move_light", ("detuning_mhz", "power_mw"), "move what is given while no run is under way"
    ),
    _move("seed", ("on",), "switch the seed diode"),
    _move("seed_current", ("current_ma",), "set the seed current"),
    _move("amplifier", ("on",), "switch the amplifier; off ramps down first"),
    _move("amplifier_current", ("current_ma",), "ramp the amplifier current"),
    _move("sideband", ("frequency_mhz", "power_dbm", "on"), "set what is given of the RF source"),
    _move("zero_power_meter", (), "dark zero of the power meter, with the light off"),
    _move("relock", (), "close the transfer-cavity lock again"),
    Command("freeze_lock", (), "hold the actuator of the lock; breaks off what moves it"),
    Command(
        "zero_axis",
        (),
        "step over the 84Kr line of the reference cell; the zero is kept",
        after_moves=True,
    ),
    Command(
        "calibrate",
        ("kind", "runs"),
        "measure a calibration anew and keep it; answers when done. 'source-drift' with `runs` "
        "(names, separated by blanks) takes it from their brackets and moves nothing",
        after_moves=True,
    ),
    Command("calibrations", ("kind",), "stored results, newest first", needs_control=False),
    Command("retire_calibration", ("id", "reason"), "use a stored result no more"),
    _move("jump", ("isotope", "line"), "move the 819-nm light to an isotope's line"),
    _move("trap", ("isotope",), "switch the trap; 0 is off every isotope"),
    _move("pumping", ("on",), "open or close the 819-nm shutter"),
    Command(
        "camera_view",
        ("on", "isotope"),
        "live pictures at gain of 81, 85 or 0 (blank)",
        begins=True,
    ),
    Command("keep_view", (), "keep the live view; it goes off 60 s after the last of these"),
    Command("align", ("on",), "measure 84Kr loading again and again", begins=True),
    Command("take_control", ("force",), "hold control", needs_control=False, changes=True),
    Command("release_control", (), "give control up"),
    Command(
        "note",
        ("text",),
        "operator's note: into the log, and into the run",
        needs_control=False,
        changes=True,
    ),
    Command(
        "acknowledge",
        ("alarm",),
        "an alarm (its id, or 'all') was seen",
        needs_control=False,
        changes=True,
    ),
    Command(
        "check_scan", ("scan", "path"), "duration, volume, errors to expect", needs_control=False
    ),
    Command("theory", ("scan",), "what the model expects of a scan", needs_control=False),
    Command("runs", ("search", "limit"), "list of the runs, newest first", needs_control=False),
    Command("run_data", ("run",), "segments, points and fits of a run", needs_control=False),
    Command("run_scan", ("run",), "the scan file of a run", needs_control=False),
    Command("run_report", ("run",), "the report of a run, HTML", needs_control=False),
    Command(
        "run_export", ("run", "format"), "files of a run: csv or nexus, base64", needs_control=False
    ),
    Command(
        "protection", (), "who guards the amplifier against what, read now", needs_control=False
    ),
    Command("history", ("names", "seconds"), "past readings, one a second", needs_control=False),
    *QUEUE_COMMANDS,
    Command("shutdown", (), "make safe, end the station"),
)

ANSWERS: tuple[tuple[str, str], ...] = (
    (
        "run",
        "`{run, folder, warnings}`; `warnings`: what the run takes for known and is not, in words",
    ),
    (
        "check_scan",
        (
            "`{ok, problems}`; if ok also `warnings` (as of `run`), `name`, `duration_s` (rig "
            "time), `segments`, `blocks`, `bracket_period_s` (chosen, where the scan says 'auto'), "
            "`archive_bytes` and `parts`: "
            "`[{name, isotope, points, errors, note}]`; `errors` is "
            "`{parameter: {value, error, unit}}`, what the fit of a run without noise would quote; "
            "a scan that decides while it runs is shown with all of its counting time, and `note` "
            "says when it may end early"
        ),
    ),
    (
        "theory",
        (
            "`{parts: [{name, isotope, axis, x, y}]}`; y is the relative increase (0.57 is +57 %) "
            "along the first axis; without an axis one value at x = 0"
        ),
    ),
    (
        "runs",
        (
            "`{runs: [{run_id, name, isotopes, state, started_utc_s, duration_s, sample, note, "
            "geometry}]}`; `duration_s` is null while a run is under way"
        ),
    ),
    (
        "run_data",
        (
            "`{info, points, fits, rows}`: as `run:info`, `run:points`, `run:fit`, and one object "
            "for each segment"
        ),
    ),
    ("run_scan", "`{scan}`: TOML"),
    ("run_report", "`{name, html}`"),
    ("run_export", "`{files: {name: base64}, lacking: [what they lack, and why]}`"),
    (
        "protection",
        "`{guards: [{fault, by, state, armed, remedy}]}`, the station's watchdog last",
    ),
    (
        "history",
        "`{name: {utc_s: [], value: []}}`, at most two hours; null where the reading was stale",
    ),
    ("calibrate", "the stored result: `{id, kind, made, valid_days, values, covariance, ...}`"),
    ("calibrations", "`{results: [...]}`, each as in `calibrate`, with `retired`"),
    ("retire_calibration", "`{retired}`"),
    ("zero_power_meter", "`{dark_mw}`: the dark offset that the meter subtracts from now on"),
    ("note", "`{noted}`: the run that keeps it, or empty"),
    ("acknowledge", "`{acknowledged: [alarm]}`"),
    *QUEUE_ANSWERS,
)
"""What the commands that are asked for something answer: JSON."""

_COLUMNS = ("name", "type", "unit", "meaning")


def _open_once() -> str:
    return ", ".join(f"`{c.name}`" for c in COMMANDS if c.once and not c.needs_control)


def reference_page() -> str:
    """The reference page of all names, as Markdown."""
    lines = [
        "# Process variables of a station",
        "",
        "Generated by `atta-daq docs names`. A full name is `<rig name>:<name>`. One name is the",
        f"same at every station: `{ENDPOINT}` (string, JSON) tells the name of the rig, version",
        "and ports of the station that answers.",
        "",
        "## Readings",
        "",
        "| " + " | ".join(_COLUMNS) + " |",
        "|" + "---|" * len(_COLUMNS),
    ]
    lines += [f"| `{r.name}` | {r.kind} | {r.unit} | {r.meaning} |" for r in READINGS]
    lines += [
        "",
        "Slow control has the names of the rig file: a value `source_pressure` of its section",
        "`slow_control` is served as `slow:source_pressure` (double), with its unit, its limits",
        "(`valueAlarm`) and the severity that the station gives it.",
        "",
        "## Commands",
        "",
        "Remote procedures `<rig name>:cmd:<name>` that take an NTURI and answer a JSON string,",
        "or fail with the reason. `client` names who asks. STOP and the marked commands are open",
        f"to everybody; the others need control, and take `{STOPS_SEEN}` as well: `{STOPS}`",
        "at the beginning of a sequence of commands. After a later STOP, or a freeze of the lock",
        "by hand, they are refused.",
        "",
        "p4p sends a call that was under way again after a lost connection. With a",
        f"`{CALL_NUMBER}` (any text that no other call has) one that needs control is carried out",
        f"once all the same, and so are {_open_once()}; any other open command is carried out",
        "again: it only reads, or is `stop`, which may come twice.",
        "",
        "| name | arguments | control | meaning |",
        "|---|---|---|---|",
    ]
    for command in COMMANDS:
        arguments = ", ".join(command.arguments) or "none"
        control = "needed" if command.needs_control else "open"
        lines.append(f"| `cmd:{command.name}` | {arguments} | {control} | {command.meaning} |")
    lines += ["", "## Answers", "", "| name | answer |", "|---|---|"]
    lines += [f"| `cmd:{name}` | {answer} |" for name, answer in ANSWERS]
    return "\n".join(lines) + "\n"
