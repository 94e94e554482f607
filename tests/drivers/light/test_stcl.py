"""Scanning-cavity lock: bytes on the wire, lost locks, landings."""

import math
import re
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.arduino_stcl import ArduinoStcl
from drivers.errors import ConnectionLost, DeviceFault, DriverError, OutOfRange, ProtocolError
from drivers.errors import Timeout as DriverTimeout
from drivers.interfaces import Range
from drivers.stcl_wire import Peaks, parse_peaks

# Two lines that the firmware's authors recorded on their rig.
RECORDED = "46396 149681 242323 290119 387402 486800 -3 2968 -40 1283"
RECORDED_RATIO = 0.5 * (103285 / 195927 + 99398 / 196681)

OPEN = [("expect", b"\n"), ("send", b"\\0xA\r\n")]


def echo(command: str, answer: bytes = b"") -> list:
    return [
        ("expect", command.encode() + b"\n"),
        ("send", command.encode() + b"\\0xA\r\n" + answer),
    ]


def ask(command: str, number: int) -> list:
    return echo(command, b"%d\r\n" % number)


def line(
    ratio: float, n: int = 0, spacing_us: float = 2400.0, output: int = 2000, ramp: int = 1283
) -> bytes:
    """A `p6` line with this ratio on both ramps; `n` makes it another ramp."""
    spacing = round(84 * spacing_us)
    start, slave = 46_200 + n, round(ratio * spacing)
    end = 3 * spacing
    times = (start, start + slave, start + spacing, end, end + spacing - slave, end + spacing)
    return (" ".join(map(str, times)) + f" -3 {output} -40 {ramp}\r\n").encode()


def ramps(*lines: bytes) -> list:
    return [step for one in lines for step in echo("p6", one)]


def gains(proportional: int, integral: int) -> list:
    return [*ask("Lkp?", proportional), *ask("Lki?", integral)]


@pytest.fixture
def lock_at():
    made = []

    def make(url, timeout_s=5.0, **options):
        lock = ArduinoStcl(
            "lock",
            url,
            ratio_range=Range(0.05, 0.95),
            landing_tolerance=5e-4,
            ramps=2,
            timeout_s=timeout_s,
            sleep=lambda _: None,
            **options,
        )
        made.append(lock)
        return lock

    yield make
    for lock in made:
        lock.close()


# --- lines ----------------------------------------------------------------------------------


def test_a_recorded_line():
    peaks = parse_peaks(RECORDED)
    assert peaks == Peaks((46396, 149681, 242323), (290119, 387402, 486800), 2968, 1283)
    assert peaks is not None
    assert peaks.ratio == pytest.approx(RECORDED_RATIO, abs=1e-12)
    assert peaks.spacing_us == pytest.approx((195927 + 196681) / 168, abs=1e-9)


def test_hysteresis_cancels_in_the_mean_of_both_ramps():
    peaks = parse_peaks("0 110 200 1000 1110 1200 0 0 0 0")  # slave late on both ramps
    assert peaks is not None
    assert peaks.ratio == pytest.approx(0.5)


def test_the_peaks_in_microseconds_are_in_the_order_of_the_line():
    peaks = parse_peaks(RECORDED)
    assert peaks is not None
    assert peaks.times_us == pytest.approx(
        (552.33, 1781.92, 2884.80, 3453.80, 4611.93, 5795.24), abs=0.01
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "46396 149681 242323 290119 387402 486800 -3 2968 -40",
        RECORDED + " 1",
        RECORDED.replace("2968", "4096"),
        RECORDED.replace("2968", "-1"),
        RECORDED.replace("149681", "46396"),
        RECORDED.replace("46396", "-46396"),
        RECORDED.replace("-3", "x"),
        RECORDED.replace("-3", "1.5"),
    ],
)
def test_lines_that_are_none(text):
    assert parse_peaks(text) is None


@given(
    st.text(max_size=80)
    | st.lists(st.integers(-9, 4100), min_size=9, max_size=11).map(
        lambda numbers: " ".join(map(str, [*sorted(numbers[:6]), *numbers[6:]]))
    )
)
def test_any_text_is_a_line_or_none(text):
    peaks = parse_peaks(text)
    assert peaks is None or 0.0 < peaks.ratio < 1.0


# --- bytes ----------------------------------------------------------------------------------


def test_connect_reads_setpoint_and_gain(scripted, lock_at):
    server = scripted([*OPEN, *ask("Ls?", 1230), *ask("Lki?", 30)])
    assert lock_at(server.url).connect().maker == "INO"


def test_connect_waits_for_a_board_that_restarts(scripted, lock_at):
    server = scripted(
        [("expect", b"\nLs?\n")],
        [
            ("expect", b"\n"),
            ("send", b"init ...\r\nok\r\n"),
            *ask("Ls?", 1230),
            *ask("Lki?", 30),
        ],
    )
    lock_at(server.url, timeout_s=0.5).connect()


def test_a_setpoint_that_does_not_fit_the_rig_file(scripted, lock_at):
    server = scripted([*OPEN, *ask("Ls?", 4294967295), *ask("Lki?", 30)])
    with pytest.raises(DeviceFault, match="setpoint 4294967295 us is not between 0 and 2400"):
        lock_at(server.url).connect()


def test_status(scripted, lock_at):
    server = scripted(
        [*OPEN, *ask("Ls?", 1200), *gains(1500, 30), *ramps(line(0.5, 1), line(0.5004, 2))]
    )
    lock = lock_at(server.url)
    status = lock.status()
    assert status.locked
    assert status.reason == ""
    assert status.ratio == pytest.approx(0.5002, abs=1e-5)
    assert status.ratio_setpoint == 0.5
    assert status.ratio_rms == pytest.approx(2e-4, abs=1e-5)
    assert status.actuator_fraction == 2000 / 4095
    start_us, spacing_us = 46_202 / 84, 2400.0
    assert status.peaks_us == pytest.approx(
        (start_us, start_us + 0.5004 * spacing_us, start_us + spacing_us,
         3 * spacing_us, 3 * spacing_us + (1 - 0.5004) * spacing_us, 4 * spacing_us), abs=0.01
    )  # fmt: skip
    assert lock.ratio_resolution == 1 / 2400


def test_the_firmwares_messages_are_read_over(scripted, lock_at):
    server = scripted(
        [
            ("expect", b"\n"),
            ("send", b"\\0xA\r\nPI run!\r\n"),
            ("expect", b"Ls?\n"),
            ("send", b"error -11\r\nLs?\\0xA\r\n1200\r\n"),
            *gains(1500, 30),
            ("expect", b"p6\n"),
            ("send", b"new error -12\r\nerror resolved.p6\\0xA\r\n" + line(0.5, 1)),
            *ramps(line(0.5, 2)),
        ]
    )
    assert lock_at(server.url).status().locked


@pytest.mark.parametrize(
    ("integral", "lines", "words"),
    [
        (0, [line(0.5, 1), line(0.5, 2)], "frozen: the gains are zero"),
        (30, [line(0.52, 1), line(0.52, 2)], "ratio is 2.0e-02 off its setpoint"),
        (30, [line(0.6, 1), line(0.6, 2)], "ratio 0.6000 is far from its setpoint: mode hop"),
        (30, [line(0.5, 1, 1900.0), line(0.5, 2, 1900.0)], "master spacing 1900 us, expected 2400"),
        (30, [line(0.5, 1), line(0.5, 2, output=4090)], "actuator is at the end of its range"),
        (30, [line(0.5, 1), line(0.5, 2, output=100)], "actuator is at the end of its range"),
        # The ramp takes a third of the converter's range, the cavity loop has 2744 words.
        (30, [line(0.5, 1), line(0.5, 2, ramp=0)], "cavity loop at its rail"),
        (
            30,
            [line(0.5, 1), line(0.5, 2, ramp=2744)],
            "cavity loop at its rail.* 2744 of 0 to",
        ),
        (30, [line(0.5, 1)] * 20, "the peak times do not change: no ramp"),
    ],
)
def test_a_lost_lock_is_a_status_with_its_reason(scripted, lock_at, integral, lines, words):
    server = scripted([*OPEN, *ask("Ls?", 1200), *gains(1500, integral), *ramps(*lines)])
    status = lock_at(server.url).status()
    assert not status.locked
    assert re.search(words, status.reason)


@pytest.mark.parametrize(("ramp", "share"), [(1, 0.33), (2742, 0.33), (3000, 0.2)])
def test_a_cavity_loop_inside_what_the_ramp_leaves_it_is_no_loss(scripted, lock_at, ramp, share):
    lines = [line(0.5, n, ramp=ramp) for n in (1, 2)]
    server = scripted([*OPEN, *ask("Ls?", 1200), *gains(1500, 30), *ramps(*lines)])
    assert lock_at(server.url, ramp_share=share).status().locked


@pytest.mark.parametrize(
    ("ramp", "rail"),
    [(1283, ""), (0, "cavity loop at its rail: the ramp's lowest point is at 0 of 0 to 2743; ")],
)
def test_a_missing_peak_is_a_status(scripted, lock_at, ramp, rail):
    server = scripted(
        [
            *OPEN,
            *ask("Ls?", 1200),
            *gains(1500, 30),
            *echo("p6", b"error -14\r\n"),
        ],
        [*OPEN, *ask("Ls?", 1200), *ask("Ro?", ramp)],
    )
    status = lock_at(server.url, timeout_s=0.5).status()
    assert not status.locked
    found = "no complete set of peaks (firmware error -14: only 4 of 6 peaks found)"
    assert status.reason == f"{rail}{found}"
    assert status.peaks_us == ()
    assert math.isnan(status.ratio)


def test_a_standing_error_is_no_lock(scripted, lock_at):
    server = scripted(
        [
            *OPEN,
            *ask("Ls?", 1200),
            *gains(1500, 30),
            *ramps(b"new error -31\r\n" + line(0.5, 1), line(0.5, 2)),
        ]
    )
    assert lock_at(server.url).status().reason == "firmware error -31: peak 1 is badly placed"


def test_an_error_that_is_not_announced_again_is_over(scripted, lock_at):
    # 'error resolved.' comes half a second after the fact, or never if a command came between.
    server = scripted(
        [
            ("expect", b"\n"),
            ("send", b"\\0xA\r\n"),
            *ask("Ls?", 1200),
            *echo("Lkp?", b"error -11\r\n1500\r\n"),
            *ask("Lki?", 30),
            *ramps(line(0.5, 1), line(0.5, 2)),
        ]
    )
    assert lock_at(server.url).status().locked


def test_a_restarted_firmware_is_noticed(scripted, lock_at):
    landing = ramps(*(line(0.6, n) for n in range(4)))
    server = scripted(
        [
            *OPEN,
            *gains(1500, 30),
            *ask("Ls?", 1440),
            *ask("Ls1440", 1440),
            *landing,
            *ask("Ls?", 1230),
            *gains(1500, 30),
            *ramps(line(0.5125, 1), line(0.5125, 2)),
        ]
    )
    lock = lock_at(server.url)
    lock.set_ratio(0.6)
    assert lock.status().reason == "setpoint is 1230 us instead of 1440 us: firmware restarted?"


# --- moving ---------------------------------------------------------------------------------


def test_set_ratio_waits_until_the_laser_has_followed(scripted, lock_at):
    server = scripted(
        [
            *OPEN,
            *gains(1500, 30),
            *ask("Ls?", 1200),
            *ask("Ls1320", 1320),
            *ramps(line(0.50, 1), line(0.51, 2)),  # on the way
            *ramps(line(0.5501, 3), line(0.5502, 4)),  # inside once: not yet landed
            *ramps(line(0.5520, 5), line(0.5520, 6)),  # overshoot
            *ramps(line(0.5501, 7), line(0.5501, 8)),
            *ramps(line(0.5500, 9), line(0.5502, 10)),
        ]
    )
    status = lock_at(server.url).set_ratio(0.5501)  # nearest step: 1320 us
    assert status.locked
    assert status.ratio_setpoint == 0.55
    assert status.ratio == pytest.approx(0.5501, abs=1e-5)


@pytest.mark.parametrize(
    "distances",
    [
        [1e-4, 1.5e-4],  # within half a step (2.1e-4), twice
        [4e-4] * 8,  # inside the tolerance and standing
        # approaching by more than a quarter of a step from the older four to the newer, till last
        [x * 1e-5 for x in (49, 46, 43, 40, 37, 34, 31, 28, 26, 25, 25)],
    ],
)
def test_set_ratio_does_not_land_on_the_way(scripted, lock_at, distances):
    windows = [line(0.55 + d, 2 * n + half) for n, d in enumerate(distances) for half in (0, 1)]
    server = scripted(
        [*OPEN, *gains(1500, 30), *ask("Ls?", 1200), *ask("Ls1320", 1320), *ramps(*windows)]
    )
    status = lock_at(server.url).set_ratio(0.55)
    assert status.ratio == pytest.approx(0.55 + distances[-1], abs=1e-5)


def test_a_mode_hop_on_the_way_is_frozen(scripted, lock_at):
    server = scripted(
        [
            *OPEN,
            *gains(1500, 30),
            *ask("Ls?", 1200),
            *ask("Ls1320", 1320),
            *ramps(line(0.80, 1), line(0.80, 2), line(0.81, 3), line(0.82, 4)),
            *gains(1500, 30),
            *echo("Lki0"),
            *ask("Lki?", 0),
            *echo("Lkp0"),
            *ask("Lkp?", 0),
            *ask("Ls1200", 1200),  # back to where it came from
        ]
    )
    with pytest.raises(DeviceFault, match=r"ratio 0\.8150 is far .* the actuator is frozen"):
        lock_at(server.url).set_ratio(0.55)


def test_no_landing_in_time_is_frozen(scripted, lock_at):
    server = scripted(
        [
            *OPEN,
            *gains(1500, 30),
            *ask("Ls?", 1200),
            *ask("Ls1320", 1320),
            *ramps(line(0.50, 1), line(0.51, 2)),
            *gains(1500, 30),
            *echo("Lki0"),
            *ask("Lki?", 0),
            *echo("Lkp0"),
            *ask("Lkp?", 0),
            *ask("Ls1200", 1200),  # back to where it came from
        ]
    )
    with pytest.raises(DeviceFault, match=r"did not land at ratio 0\.55000"):
        lock_at(server.url, landing_timeout_s=0.0).set_ratio(0.55)


def test_a_frozen_lock_is_not_moved(scripted, lock_at):
    server = scripted([*OPEN, *gains(0, 0)])
    with pytest.raises(DeviceFault, match="frozen and cannot move"):
        lock_at(server.url).set_ratio(0.55)


def test_a_setpoint_that_the_firmware_does_not_keep(scripted, lock_at):
    server = scripted([*OPEN, *gains(1500, 30), *ask("Ls?", 1200), *ask("Ls1320", 132)])
    with pytest.raises(DeviceFault, match="set to 1320 us, but the firmware kept 132 us"):
        lock_at(server.url).set_ratio(0.55)


@pytest.mark.parametrize("ratio", [-0.1, 0.0, 0.0499, 0.9501, 1.0, 2.0, math.nan, math.inf])
def test_limits_are_checked_before_a_byte_is_sent(lock_at, dead_port, ratio):
    with pytest.raises(OutOfRange, match=r"is outside 0\.05 to 0\.95"):
        lock_at(f"socket://127.0.0.1:{dead_port}").set_ratio(ratio)


@pytest.mark.parametrize(
    "options",
    [
        {"ratio_range": Range(0.0, 0.9)},
        {"ratio_range": Range(0.1, 1.0)},
        {"ratio_range": Range(-0.1, 0.9)},
        {"landing_tolerance": 0.0},
        {"landing_tolerance": 0.1},
        {"ramps": 1},
        {"ramp_share": 1.0},
    ],
)
def test_bad_settings(options):
    settings = {"ratio_range": Range(0.1, 0.9), "landing_tolerance": 5e-4} | options
    with pytest.raises(ValueError, match="lock: "):
        ArduinoStcl("lock", "socket://127.0.0.1:1", **settings)


# --- freeze and relock ------------------------------------------------------------------------


def test_freeze_remembers_the_gains_and_relock_restores_them(scripted, lock_at):
    server = scripted(
        [
            *OPEN,
            *gains(1400, 25),
            *echo("Lki0"),
            *ask("Lki?", 0),
            *echo("Lkp0"),
            *ask("Lkp?", 0),
            *gains(0, 0),  # a second freeze changes nothing
            *ask("Ls?", 1200),
            *ask("Lo?", 2000),
            *ask("Ro?", 1283),
            *echo("Lkp1400"),
            *ask("Lkp?", 1400),
            *echo("Lki25"),
            *ask("Lki?", 25),
            *ramps(*(line(0.5, n) for n in range(4))),
        ]
    )
    lock = lock_at(server.url)
    lock.freeze()
    lock.make_safe()
    assert lock.relock().locked


@pytest.mark.parametrize(
    "outputs",
    [
        [*ask("Lo?", 4095), *echo("rst")],
        [*ask("Lo?", 2000), *ask("Ro?", 2744), *ask("Ro1371", 1371)],
        [*ask("Lo?", 2000), *ask("Ro?", 0), *ask("Ro1371", 1371)],
    ],
    ids=["laser", "cavity high", "cavity low"],
)
def test_relock_brings_back_an_output_that_ran_to_its_rail(scripted, lock_at, outputs):
    server = scripted(
        [
            *OPEN,
            *ask("Ls?", 1200),
            *outputs,
            *echo("Lkp1500"),
            *ask("Lkp?", 1500),
            *echo("Lki30"),
            *ask("Lki?", 30),
            *ramps(*(line(0.5, n) for n in range(4))),
        ]
    )
    assert lock_at(server.url).relock().locked


def test_a_gain_that_is_not_kept(scripted, lock_at):
    server = scripted([*OPEN, *gains(1500, 30), *echo("Lki0"), *ask("Lki?", 30)])
    with pytest.raises(DeviceFault, match="gain Lki set to 0, but the firmware kept 30"):
        lock_at(server.url).freeze()


class Firmware:
    """A `ByteStream` with the firmware behind it, whose laser stands still wherever it is sent."""

    RAMP_S = 0.002

    def __init__(self, ratio: float) -> None:
        self.ratio = ratio
        self.numbers = {"Ls": 1200, "Lkp": 1500, "Lki": 30, "Lo": 2000, "Ro": 1283}
        self.written: list[str] = []
        self.ramps = 0
        self.is_open = False
        self._waiting: list[bytes] = []

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def discard(self, quiet_s: float) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        command = data.decode().strip()
        if not command:
            return
        self.written.append(command)
        self._waiting.append(f"{command}\\0xA".encode())
        if command == "p6":
            time.sleep(self.RAMP_S)
            self.ramps += 1
            self._waiting.append(line(self.ratio, self.ramps).strip())
            return
        name = command.rstrip("?-0123456789")
        if not command.endswith("?"):
            self.numbers[name] = int(command.removeprefix(name))
        if command.endswith("?") or name == "Ls":
            self._waiting.append(b"%d" % self.numbers[name])

    def read_line(self) -> bytes:
        return self._waiting.pop(0)


class Move:
    """A command of a lock, under way in a thread of its own."""

    def __init__(self, command: Callable[[], object]) -> None:
        self.error: DriverError | None = None
        self._thread = threading.Thread(target=self._run, args=(command,))
        self._thread.start()

    def _run(self, command: Callable[[], object]) -> None:
        try:
            command()
        except DriverError as error:
            self.error = error

    def end(self) -> DriverError | None:
        self._thread.join(10.0)
        assert not self._thread.is_alive()
        return self.error


@pytest.fixture
def moving():
    """A lock that has half a minute to land and does not, and its firmware."""
    firmware = Firmware(0.5)
    lock = ArduinoStcl(
        "lock", "", ratio_range=Range(0.05, 0.95), landing_tolerance=5e-4,
        landing_timeout_s=30.0, stream=firmware,
    )  # fmt: skip
    lock.connect()
    return lock, firmware


def wait_for_ramps(firmware: Firmware, count: int = 12) -> None:
    """Until a landing is being waited for."""
    deadline_s = time.monotonic() + 30.0
    while firmware.ramps < count:
        assert time.monotonic() < deadline_s, "no ramp is asked for"
        time.sleep(0.001)


@pytest.mark.parametrize("stop", ["freeze", "make_safe"])
def test_a_freeze_breaks_off_a_move_at_once(moving, stop):
    lock, firmware = moving
    move = Move(lambda: lock.set_ratio(0.52))
    wait_for_ramps(firmware)
    begun_s = time.monotonic()
    getattr(lock, stop)()
    assert time.monotonic() - begun_s < 5.0, "it does not wait for the landing"
    assert firmware.numbers["Lki"] == firmware.numbers["Lkp"] == 0
    error = move.end()
    assert isinstance(error, DeviceFault)
    assert "frozen meanwhile; what was asked for is broken off" in str(error)
    assert firmware.numbers["Ls"] == 1200, "back to where it came from"
    assert firmware.written.index("Lki0") < firmware.written.index("Ls1200"), "and not before"
    assert lock.relock().locked, "with the gains that it had"


def test_a_freeze_breaks_off_a_relock_and_the_move_that_waits(moving):
    lock, firmware = moving
    firmware.ratio = 0.52
    relock = Move(lock.relock)
    wait_for_ramps(firmware)
    move = Move(lambda: lock.set_ratio(0.55))
    time.sleep(0.05)
    lock.freeze()
    assert "frozen meanwhile" in str(relock.end())
    assert "frozen" in str(move.end())
    assert firmware.numbers["Lki"] == firmware.numbers["Lkp"] == 0
    assert "Ls1320" not in firmware.written


def test_the_status_is_told_while_a_move_is_under_way(moving):
    lock, firmware = moving
    move = Move(lambda: lock.set_ratio(0.58))
    wait_for_ramps(firmware)
    begun_s = time.monotonic()
    status = lock.status()
    assert time.monotonic() - begun_s < 5.0, "it does not wait for the landing"
    assert (status.locked, status.ratio_setpoint) == (True, 0.58), "its loop is closed"
    assert status.ratio == pytest.approx(0.5, abs=1e-4)
    firmware.ratio = 0.7
    assert "did not land at ratio 0.58" in str(move.end())
    firmware.ratio = 0.5
    assert "frozen" in lock.status().reason


# --- broken wires -----------------------------------------------------------------------------


def test_a_late_answer_is_known_by_its_echo(scripted, lock_at):
    server = scripted(
        [("expect", b"\nLkp?\n")],
        [
            *OPEN,
            ("expect", b"Ls?\n"),
            ("send", b"Lkp?\\0xA\r\n1500\r\n"),
            ("send", b"Ls?\\0xA\r\n1200\r\n"),
            *ask("Lki?", 30),
        ],
    )
    lock = lock_at(server.url, timeout_s=0.5)
    with pytest.raises(DriverTimeout):
        lock.freeze()
    lock.connect()


def test_make_safe_tries_again_on_a_new_line(scripted, lock_at):
    server = scripted(
        [*OPEN, ("expect", b"Lkp?\n"), ("close", b"")],
        [
            *OPEN, *gains(1500, 30),
            *echo("Lki0"), *ask("Lki?", 0), *echo("Lkp0"), *ask("Lkp?", 0),
        ],
    )  # fmt: skip
    lock_at(server.url).make_safe()


def test_command_error(scripted, lock_at):
    refused = [*OPEN, ("expect", b"Ls?\n"), ("send", b"L cmd error!\r\n")]
    server = scripted(refused, refused, refused)
    with pytest.raises(DeviceFault, match=r"did not accept 'Ls\?'"):
        lock_at(server.url).connect()


def test_a_first_command_that_met_an_older_one_is_sent_again(scripted, lock_at):
    server = scripted(
        [*OPEN, ("expect", b"Ls?\n"), ("send", b"L cmd error!\r\n")],
        [*OPEN, *ask("Ls?", 1230), *ask("Lki?", 30)],
    )
    assert lock_at(server.url).connect().maker == "INO"


def test_half_an_answer_and_a_closed_connection(scripted, lock_at):
    server = scripted(
        [*OPEN, *echo("Lkp?", b"15")],
        [*OPEN, ("expect", b"Lkp?\n"), ("close", b"")],
    )
    lock = lock_at(server.url, timeout_s=0.5)
    with pytest.raises(DriverTimeout, match="only b'15'"):
        lock.freeze()
    with pytest.raises(ConnectionLost):
        lock.freeze()


def test_a_talker_that_is_no_lock(scripted, lock_at):
    server = scripted([*OPEN, ("expect", b"Ls?\n"), ("send", b"hello\r\n" * 60)])
    with pytest.raises(ProtocolError, match=r"no intelligible answer to 'Ls\?'"):
        lock_at(server.url).connect()


def test_refused(lock_at, dead_port):
    with pytest.raises(ConnectionLost, match="lock: cannot open"):
        lock_at(f"socket://127.0.0.1:{dead_port}").connect()


class CannedStream:
    """Echoes each command, hands out `answers` after it, then times out."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.waiting = []
        self.is_open = False

    def open(self):
        self.is_open = True

    def close(self):
        self.is_open = False
        self.waiting.clear()

    def write(self, data):
        if self.answers:
            self.waiting += [data.strip() + rb"\0xA", *self.answers.pop(0)]

    def discard(self, quiet_s):
        return b""

    def read_line(self):
        if self.waiting:
            return self.waiting.pop(0)
        self.close()
        raise DriverTimeout("lock", "no answer")


LINES = (
    st.sampled_from([b"1200", b"30", b"0", b"-1", b"error -11", b"error resolved."])
    | st.builds(lambda r, n: line(r, n).strip(), st.floats(0.01, 0.99), st.integers(0, 9))
    | st.binary(max_size=30)
)


@settings(max_examples=200, deadline=None)
@given(
    answers=st.lists(st.lists(LINES, max_size=3), max_size=30),
    command=st.sampled_from(["connect", "status", "set_ratio", "freeze", "relock", "make_safe"]),
)
def test_whatever_the_board_says_only_driver_errors_come_out(answers, command):
    lock = ArduinoStcl(
        "lock", "", ratio_range=Range(0.05, 0.95), landing_tolerance=5e-4, ramps=2,
        landing_timeout_s=0.0, stream=CannedStream(answers), sleep=lambda _: None,
    )  # fmt: skip
    try:
        getattr(lock, command)(*([0.5] if command == "set_ratio" else []))
        outcome = ""
    except DriverError as error:
        outcome = error.instrument
    assert outcome in ("", "lock")
