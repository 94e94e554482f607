"""The hand at the box: what a fault leaves behind that only somebody in the lab can set again."""

import socket

from fault_cells import Cell
from rigs import Rig

ADDRESSES = {"amplifier": "amplifier_address", "amplifier_seed": "seed_address"}
"""Servers of the pair of ITC4000 to the key of the rig file with their address."""
AS_THE_LAB_LEFT_IT = {
    "amplifier": b"SOUR:CURR:LIM 2.5\nOUTP:PROT:EXT:MODE PROT\n",
    "amplifier_seed": b"SOUR:CURR:LIM 0.1\n",
}
"""Servers of the pair to what is set at the front panel of their box."""


def waits_for_a_hand(cell: Cell) -> bool:
    """Whether the fault lasts until somebody has been at the box: it came back as delivered."""
    return cell.fault == "restart" and cell.server in AS_THE_LAB_LEFT_IT


def end_fault(rig: Rig, cell: Cell) -> None:
    """The fault goes, and a hand sets at the box what it has taken."""
    assert rig.world.ask({"cmd": "clear", "instrument": cell.server})["ok"]
    if waits_for_a_hand(cell):
        _set(rig, cell.server)


def set_every_box(rig: Rig) -> None:
    """A hand goes to every box of the pair, whatever has happened; nothing on another rig."""
    for server, key in ADDRESSES.items():
        if key in rig.config["amplifier"]:
            _set(rig, server)


def _set(rig: Rig, server: str) -> None:
    port = int(rig.config["amplifier"][ADDRESSES[server]].split("::")[2])
    with socket.create_connection(("127.0.0.1", port), 5.0) as wire:
        wire.sendall(AS_THE_LAB_LEFT_IT[server] + b"*IDN?\n")
        # It answers when it has taken what came before.
        assert wire.recv(200)
