"""The software lock's driver: exact bytes to the board, and the whole on a simulated board."""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import drivers.stcl.loop
from drivers.errors import ConnectionLost, DeviceFault, DriverError, OutOfRange, ProtocolError
from drivers.interfaces import CavityScope, ModeChecked, TransferCavityLock
from drivers.redpitaya_stcl import RedPitayaStcl
from drivers.stcl.regulators import Outputs
from drivers.stcl.settings import StclSettings
from drivers.stcl_board import StclBoard
from simulators.clock import RigClock
from simulators.faults import WireFault
from simulators.servers import redpitaya
from simulators.truth import Truth
from simulators.wire import WireServer
from simulators.world.world import World

MHZ_PER_RATIO = 3000.0 * 0.9906


def block(volts: np.ndarray) -> bytes:
    payload = volts.astype(">f4").tobytes()
    return b"#%d%d" % (len(str(len(payload))), len(payload)) + payload + b"\r\n"


# --- bytes ----------------------------------------------------------------------------------------


@pytest.fixture
def board(box) -> Iterator[StclBoard]:
    box.answers |= {
        b"*IDN?": b"REDPITAYA,INSTR2024,0,01-02\r\n",
        b"SYST:ERR?": b'0,"No error"\r\n',
        b"OUTPUT1:STATE?": b"1\r\n",
        b"OUTPUT2:STATE?": b"1\r\n",
        b"SOUR2:FUNC?": b"DC\r\n",
        b"SOUR2:VOLT?": b"0\r\n",
        b"SOUR2:VOLT:OFFS?": b"-0.125\r\n",
        b"SOUR1:VOLT:OFFS?": b"0.05\r\n",
        b"SOUR1:FREQ:FIX?": b"75\r\n",
        b"SOUR1:VOLT?": b"0.6\r\n",
        b"SOUR1:BURS:NCYC?": b"2\r\n",
        b"ACQ:TRIG:DLY?": b"8085\r\n",
        b"ACQ:DEC?": b"128\r\n",
        b"ACQ:TRIG:STAT?": [b"WAIT\r\n", b"TD\r\n"],
        b"ACQ:TRIG:FILL?": [b"0\r\n", b"1\r\n"],
        b"ACQ:SOUR1:DATA?": block(np.linspace(0.0, 0.5, 16384)),
        b"ACQ:SOUR2:DATA?": block(np.linspace(0.5, 0.0, 16384)),
    }
    board = StclBoard("lock", box.resource, StclSettings(), timeout_s=0.5)
    board.connect()
    box.received.clear()
    yield board
    board.line.close()


def lines(box) -> list[bytes]:
    return [line.removesuffix(b"\r\n") for line in box.received]


def test_the_board_is_prepared_and_every_number_read_back(box, board) -> None:
    board.prepare(Outputs(0.05, -0.125))
    assert lines(box) == [
        b"SOUR2:FUNC DC",
        b"SOUR2:VOLT 0",
        b"SOUR2:VOLT?",
        b"SOUR2:VOLT:OFFS -0.125000",
        b"SOUR2:VOLT:OFFS?",
        b"OUTPUT2:STATE ON",
        b"SOUR1:FUNC TRIANGLE",
        b"SOUR1:FREQ:FIX 75",
        b"SOUR1:FREQ:FIX?",
        b"SOUR1:VOLT 0.6",
        b"SOUR1:VOLT?",
        b"SOUR1:VOLT:OFFS 0.050000",
        b"SOUR1:VOLT:OFFS?",
        b"SOUR1:BURS:STAT BURST",
        b"SOUR1:BURS:NCYC 2",
        b"SOUR1:BURS:NCYC?",
        b"SOUR1:BURS:NOR 1",
        b"OUTPUT1:STATE ON",
        b"OUTPUT1:STATE?",
        b"OUTPUT2:STATE?",
        b"ACQ:RST",
        b"ACQ:DATA:FORMAT BIN",
        b"ACQ:DATA:UNITS VOLTS",
        b"ACQ:AVG ON",
        b"ACQ:SOUR1:GAIN LV",
        b"ACQ:SOUR2:GAIN LV",
        b"ACQ:TRIG:DLY 8085",
        b"ACQ:TRIG:DLY?",
        b"ACQ:DEC 128",
        b"ACQ:DEC?",
        b"SYST:ERR?",
    ]


def test_a_record_is_one_burst_of_the_ramp(box, board) -> None:
    """Trigger after start (RedPitaya issue 284), then the generator, which is the trigger."""
    traces = board.record_sweep()
    assert lines(box) == [
        b"ACQ:START",
        b"ACQ:TRIG AWG_PE",
        b"SOUR1:TRIG:INT",
        b"ACQ:TRIG:STAT?",
        b"ACQ:TRIG:STAT?",
        b"ACQ:TRIG:FILL?",
        b"ACQ:TRIG:FILL?",
        b"ACQ:SOUR1:DATA?",
        b"ACQ:SOUR2:DATA?",
    ]
    assert traces.dt_s == pytest.approx(128 / 125e6)
    assert traces.master_v.size == 8192 + 8085
    assert traces.master_v[-1] == pytest.approx(0.5)
    assert traces.slave_v[-1] == pytest.approx(0.0)


def test_both_voltages_are_read_back(box, board) -> None:
    board.put_out(Outputs(0.05, -0.125))
    assert lines(box) == [
        b"SOUR1:VOLT:OFFS 0.050000",
        b"SOUR1:VOLT:OFFS?",
        b"SOUR2:VOLT:OFFS -0.125000",
        b"SOUR2:VOLT:OFFS?",
    ]
    with pytest.raises(DeviceFault, match=r"OUT2 was set to 0\.300000 V but reads -0\.125000 V"):
        board.put_out(Outputs(0.05, 0.3))


def test_what_stands_is_taken_over_only_from_a_board_that_drives_the_laser(box, board) -> None:
    assert board.standing() == Outputs(0.05, -0.125)
    box.answers[b"SOUR2:FUNC?"] = b"SINE\r\n"
    assert board.standing() is None
    box.answers[b"OUTPUT2:STATE?"] = b"0\r\n"
    assert board.standing() is None


def test_a_block_of_the_wrong_length_is_no_sweep(box, board) -> None:
    box.answers[b"ACQ:SOUR2:DATA?"] = block(np.zeros(100))
    with pytest.raises(ProtocolError, match="400 bytes"):
        board.record_sweep()


# --- the whole ------------------------------------------------------------------------------------


class Rig:
    """A simulated board, and the driver on it."""

    def __init__(self, world: World, server: WireServer, lock: RedPitayaStcl):
        self.world, self.server, self.lock = world, server, lock

    def true_mhz(self) -> float:
        with self.world.lock:
            self.world.cavity.advance()
            return self.world.cavity.mean_mhz()

    def mean_error_mhz(self, ratio: float) -> float:
        errors = []
        for _ in range(15):
            errors.append(self.true_mhz() - self.world.cavity.detuning_of(ratio))
            time.sleep(0.03)
        return float(np.mean(errors))


@pytest.fixture
def rig() -> Iterator[Rig]:
    world = World(Truth(), RigClock(), 3)
    world.light.set_seed(enabled=True)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work):
        return asyncio.run_coroutine_threadsafe(work, loop).result(20.0)

    server = run(redpitaya.start(world, "lock"))
    settings = StclSettings(relock_wait_s=0.1, patience_sweeps=20)
    lock = RedPitayaStcl("lock", server.address, settings, timeout_s=1.0, rate_hz=100.0)
    try:
        lock.connect()
        yield Rig(world, server, lock)
    finally:
        lock.close()
        run(server.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def eventually(holds: Callable[[], bool]) -> None:
    """The test's own time limit ends a wait that is in vain."""
    while not holds():
        time.sleep(0.01)


def test_it_offers_what_the_station_asks_for(rig) -> None:
    protocol: TransferCavityLock = rig.lock
    assert isinstance(protocol, CavityScope)
    assert isinstance(protocol, ModeChecked)
    assert protocol.ratio_resolution * MHZ_PER_RATIO < 0.3
    assert rig.lock.connect().maker == "REDPITAYA"


def test_relock_jumps_freeze_and_traces(rig) -> None:
    assert "frozen" in rig.lock.status().reason
    with pytest.raises(DeviceFault, match="relock it first"):
        rig.lock.set_ratio(0.3)
    assert rig.lock.relock().locked
    for ratio in (0.10, 0.10 - 500.0 / MHZ_PER_RATIO):
        status = rig.lock.set_ratio(ratio)
        assert status.ratio == pytest.approx(ratio, abs=4e-4)
        assert abs(rig.mean_error_mhz(ratio)) < 1.0
    with pytest.raises(OutOfRange, match="master peak"):
        rig.lock.set_ratio(0.01)
    traces = rig.lock.traces()
    assert traces is not None
    assert traces.times_us.size == traces.master_v.size == traces.slave_v.size <= 1000
    assert traces.master_v.max() == pytest.approx(0.7, abs=0.05)
    for position in traces.master_peaks_us:
        nearest = np.argmin(np.abs(traces.times_us - position))
        assert traces.master_v[nearest - 1 : nearest + 2].max() > 0.5
    assert len(traces.master_peaks_us) == 4
    assert np.abs(traces.errors).max() < 0.01
    rig.lock.make_safe()
    held = rig.true_mhz()
    assert "frozen" in rig.lock.status().reason
    time.sleep(0.2)
    assert rig.true_mhz() == pytest.approx(held, abs=1.5)


def test_commands_of_many_threads_are_taken_one_after_the_other(rig) -> None:
    rig.lock.relock()
    done: list[float] = []

    def work(ratio: float) -> None:
        done.append(rig.lock.set_ratio(ratio).ratio_setpoint)

    threads = [threading.Thread(target=work, args=(r,)) for r in (0.3, 0.35, 0.4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        rig.lock.status()
        rig.lock.traces()
    assert sorted(done) == [0.3, 0.35, 0.4]
    assert rig.lock.status().locked


@pytest.mark.parametrize(
    ("switch", "said"),
    [
        ("swapped_photodiodes", "photodiodes are swapped"),
        ("inverted_ramp", "the ramp's polarity is wrong"),
        ("pickoff_after_eom", "the pick-off lies behind the EOM"),
    ],
)
def test_wiring_faults_are_named_to_who_relocks(rig, switch, said) -> None:
    with rig.world.lock:
        # 13.7 dBm: sidebands of more than half the carrier, which harm only behind the EOM.
        rig.world.light.set_rf(230.0, 13.7, on=True)
        setattr(rig.world.scan, switch, True)
    with pytest.raises(DeviceFault, match=said):
        rig.lock.relock()
    rig.world.scan.mend()
    assert rig.lock.relock().locked


def test_the_mode_is_checked_after_a_relock_and_after_a_loss(rig) -> None:
    asked: list[float] = []
    answers = ["no 84Kr line", ""]

    def check(go_to) -> str:
        asked.append(go_to(0.40).ratio)
        return answers.pop(0) if answers else ""

    rig.lock.mode_check = check
    with pytest.raises(DeviceFault, match="wrong mode: no 84Kr line"):
        rig.lock.relock()
    assert rig.lock.relock().locked
    assert asked == pytest.approx([0.40, 0.40], abs=1e-3)
    rig.lock.set_ratio(0.3)
    with rig.world.lock:
        rig.world.cavity.hop(5000.0, multimode=True)
    # That it is lost mends itself, and may not be seen.
    eventually(lambda: len(asked) == 3)
    eventually(lambda: rig.lock.status().locked)
    assert len(asked) == 3
    assert rig.lock.status().ratio_setpoint == pytest.approx(0.3)
    assert abs(rig.mean_error_mhz(0.3)) < 1.0


def test_a_cavity_that_came_back_on_another_order_is_not_called_locked(rig) -> None:
    rig.lock.relock()
    rig.lock.set_ratio(0.45)
    with rig.world.lock:
        rig.world.cavity.jump(2900.0)
    eventually(lambda: "mode has not been checked" in rig.lock.status().reason)
    assert rig.mean_error_mhz(0.45) == pytest.approx(28.2, abs=1.5)
    asked: list[float] = []

    def check(go_to) -> str:
        asked.append(go_to(0.40).ratio)
        return "28 MHz off" if rig.true_mhz() - rig.world.cavity.detuning_of(0.40) > 14.0 else ""

    rig.lock.mode_check = check
    eventually(lambda: bool(asked))
    eventually(lambda: "28 MHz off" in rig.lock.status().reason)
    assert not rig.lock.status().locked


def test_a_check_that_cannot_be_made_is_not_repeated_at_once(rig) -> None:
    target = rig.lock.relock().ratio_setpoint
    asked: list[float] = []

    def silent_cell(go_to) -> str:
        asked.append(go_to(0.40).ratio)
        raise DeviceFault("reference_cell", "no answer")

    rig.lock.mode_check = silent_cell
    with rig.world.lock:
        rig.world.cavity.hop(5000.0, multimode=True)
    eventually(lambda: bool(asked))
    time.sleep(0.5)
    assert len(asked) == 1
    status = rig.lock.status()
    assert "mode has not been checked" in status.reason
    eventually(lambda: rig.lock.status().ratio_setpoint == pytest.approx(target, abs=1e-9))
    assert rig.lock._core.target == target


def doubt_the_mode(rig: Rig) -> None:
    """And leave its check to the next relock."""
    rig.lock._next_check_s = math.inf
    rig.lock._core.mode_doubted = "the mode has not been checked"


def test_a_relock_whose_check_cannot_be_made_goes_back_to_its_target(rig) -> None:
    rig.lock.relock()
    target = rig.lock.set_ratio(0.55).ratio_setpoint

    def silent_cell(go_to) -> str:
        go_to(0.40)
        raise DeviceFault("reference_cell", "no answer")

    rig.lock.mode_check = silent_cell
    doubt_the_mode(rig)
    with pytest.raises(DeviceFault, match="no answer"):
        rig.lock.relock()
    assert rig.lock._core.target == rig.lock.status().ratio_setpoint == target
    rig.lock.mode_check = None
    assert rig.lock.relock().ratio == pytest.approx(target, abs=1e-3)


def test_a_lock_that_was_lost_in_a_check_comes_back_to_its_target(rig) -> None:
    target = rig.lock.relock().ratio_setpoint

    def lost_on_the_way(go_to) -> str:
        go_to(0.40)
        rig.lock.freeze()
        go_to(0.41)
        raise AssertionError("a frozen lock does not move")

    rig.lock.mode_check = lost_on_the_way
    doubt_the_mode(rig)
    with pytest.raises(DeviceFault, match="frozen"):
        rig.lock.relock()
    assert rig.lock._core.target == target


def test_without_a_check_it_does_not_call_itself_locked_after_a_hop(rig) -> None:
    rig.lock.relock()
    with rig.world.lock:
        rig.world.cavity.hop(5000.0, multimode=True)
    eventually(lambda: "mode has not been checked" in rig.lock.status().reason)
    assert not rig.lock.status().locked
    assert rig.lock.relock().locked


def answers(rig: Rig) -> bool:
    try:
        rig.lock.status()
    except DriverError:
        return False
    return True


@pytest.mark.parametrize("kind", ["no_reply", "garbled", "refused"])
def test_a_silent_board_is_an_error_and_comes_back(rig, kind) -> None:
    rig.lock.relock()
    held = rig.true_mhz()
    rig.server.set_fault(WireFault(kind))
    eventually(lambda: not answers(rig))
    with pytest.raises(DriverError, match="lock: "):
        rig.lock.status()
    assert rig.true_mhz() == pytest.approx(held, abs=10.0)
    rig.server.set_fault(None)
    eventually(lambda: answers(rig) and rig.lock.status().locked)


def test_a_loop_that_ends_by_a_fault_of_the_program_is_a_fault(rig, monkeypatch) -> None:
    assert rig.lock.relock().locked

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("a sweep like no other")

    with monkeypatch.context() as patched:
        patched.setattr(drivers.stcl.loop, "analyse", broken)
        eventually(lambda: not answers(rig))
        with pytest.raises(DeviceFault, match=r"loop has ended .*a sweep like no other"):
            rig.lock.status()
        with pytest.raises(DeviceFault, match="loop has ended"):
            rig.lock.set_ratio(0.3)
    assert rig.lock.connect().maker == "REDPITAYA"
    assert "frozen" in rig.lock.status().reason
    assert rig.lock.relock().locked


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_loop_that_is_gone_without_a_word_is_a_fault(rig, monkeypatch) -> None:
    assert rig.lock.relock().locked

    def gone(*_arguments: object) -> None:
        raise SystemExit

    monkeypatch.setattr(drivers.stcl.loop, "analyse", gone)
    eventually(lambda: not answers(rig))
    with pytest.raises(DeviceFault, match="loop has ended"):
        rig.lock.status()


def test_nobody_listens(box) -> None:
    lock = RedPitayaStcl("lock", "TCPIP0::127.0.0.1::9::SOCKET", timeout_s=0.3)
    with pytest.raises(ConnectionLost):
        lock.connect()
    with pytest.raises(DeviceFault, match="not connected"):
        lock.status()
    lock.close()
