"""The hand at the box: what a fault leaves behind that only somebody in the lab can set again."""

import socket

from fault_cells import Cell
from rigs import Rig

ADDRESSES = {"amplifier": "amplifier_address", "amplifier_seed": "seed_address"}
"""Servers of the pair of ITC4000 to the key of the rig file with their address."""
AS_THE_LAB_LEFT_IT: dict[tuple[str, str], tuple[bytes, ...]] = {
    ("amplifier", "restart"): (b"SOUR:CURR:LIM 2.5\n", b"OUTP:PROT:EXT:MODE PROT\n"),
    ("amplifier_seed", "restart"): (b"SOUR:CURR:LIM 0.1\n",),
}
"""(server, fault) of the pair to what is set at the front panel of its box."""


def end_fault(rig: Rig, cell: Cell) -> None:
    """The fault goes, and a hand sets at the box what it has taken."""
    assert rig.world.ask({"cmd": "clear", "instrument": cell.server})["ok"]
    set_by_hand(rig, cell)


def set_by_hand(rig: Rig, cell: Cell) -> None:
    """As the lab had left the box; nothing where the fault has taken nothing."""
    if lines := AS_THE_LAB_LEFT_IT.get((cell.server, cell.fault)):
        port = int(rig.config["amplifier"][ADDRESSES[cell.server]].split("::")[2])
        with socket.create_connection(("127.0.0.1", port), 5.0) as wire:
            wire.sendall(b"".join(lines) + b"*IDN?\n")
            # It answers when it has taken what came before.
            assert wire.recv(200)


def waits_for_a_hand(cell: Cell) -> bool:
    """Whether the fault lasts until somebody has been at the box."""
    return (cell.server, cell.fault) in AS_THE_LAB_LEFT_IT
