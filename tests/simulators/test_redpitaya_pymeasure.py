"""pymeasure's Red Pitaya as a client of the simulated boards: a program that nobody here wrote.

Its binary blocks are left alone: it decodes them in the computer's own byte order and as whole
numbers, which no board sends. The text form of the same record is read instead.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from pymeasure.adapters import VISAAdapter
from pymeasure.instruments.redpitaya import RedPitayaScpi
from scipy.signal import find_peaks

from simulators.clock import RigClock
from simulators.servers import redpitaya
from simulators.servers.redpitaya_wiring import Role
from simulators.truth import Truth
from simulators.world.world import World

SPEED = 200.0
RAMP_HZ = 100.0


@pytest.fixture
def world() -> World:
    return World(Truth(), RigClock(SPEED), 1)


@pytest.fixture
def connect(world: World) -> Iterator[Callable[[Role], RedPitayaScpi]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    ends: list[Callable[[], object]] = []

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10.0)

    def make(role: Role) -> RedPitayaScpi:
        server = run(redpitaya.start(world, role))
        adapter = VISAAdapter(
            server.address, visa_library="@py", timeout=5000,
            read_termination="\r\n", write_termination="\r\n",
        )  # fmt: skip
        ends.extend((adapter.close, adapter.manager.close, lambda: run(server.stop())))
        return RedPitayaScpi(adapter)

    yield make
    for end in ends:
        end()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def record(board: Any, decimation: int) -> tuple[np.ndarray, np.ndarray]:
    """One record of both inputs, as the instrument's documentation takes it."""
    board.acquisition_reset()
    board.acq_format = "ASCII"
    board.acq_units = "VOLTS"
    board.decimation = decimation
    board.acq_trigger_delay_samples = 8192
    board.acquisition_start()
    assert board.acq_trigger_status is False
    board.acq_trigger_source = "NOW"
    end = time.monotonic() + 20.0
    while not (board.acq_trigger_status and board.acq_buffer_filled):
        assert time.monotonic() < end, "the record never came"
        time.sleep(0.002)
    assert board.decimation == decimation
    return board.analog_in[1].get_data(), board.analog_in[2].get_data()


def test_it_moves_the_lines_of_the_trap_switch(connect, world: World) -> None:
    board = connect("trap_switch")
    assert board.board_name.startswith("STEMlab")
    for line in (0, 1, 2):
        board.dioP[line].direction_in = False
        board.dioP[line].enabled = True
    assert [board.dioP[line].enabled for line in (0, 1, 2)] == [True, True, True]
    world.atoms.set_offset(-265.0)
    time.sleep(5.0 / SPEED)
    assert world.atoms.status().isotope == 85
    board.dioP[1].enabled = False
    assert board.dioP[1].enabled is False
    assert world.atoms.status().isotope is None
    board.digital_reset()
    assert board.dioP[0].direction_in is True


@pytest.mark.parametrize("role", ["loading", "reference_cell"])
def test_it_takes_a_record(connect, role: Role) -> None:
    board = connect(role)
    assert board.buffer_length == 16384
    first, second = record(board, 64)
    assert first.shape == second.shape == (16384,)
    assert first.std() > 0.0
    assert np.abs(first).max() <= 1.0


def test_it_sees_the_cavity_of_the_lock(connect) -> None:
    """Its published sequence, with the generator's commands that it leaves to the user."""
    board = connect("lock")
    for command in (
        "GEN:RST", "SOUR1:FUNC TRIANGLE", f"SOUR1:FREQ:FIX {RAMP_HZ:g}", "SOUR1:VOLT 0.6",
        "OUTPUT1:STATE ON", "SOUR1:TRIG:INT",
    ):  # fmt: skip
        board.write(command)
    # 16384 samples at 2**7 are 1.7 periods: two whole passes at least.
    decimation = 128
    masters, _ = record(board, decimation)
    found, _ = find_peaks(masters, height=0.5 * masters.max(), distance=200)
    times_s = found * decimation / board.CLOCK
    # 3000 MHz of free spectral range on a ramp of 2 x 0.6 V at 3260 MHz a volt.
    pass_s = 0.5 / RAMP_HZ
    spacing_s = 3000.0 / (2.0 * 0.6 * 3260.0) * pass_s
    assert len(found) >= 4
    # Neighbours on one pass; between two passes the distance is another.
    assert np.abs(np.diff(times_s) - spacing_s).min() < 0.02 * spacing_s
    assert board.ask("SYST:ERR?").strip() == '0,"No error"'
