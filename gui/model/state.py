"""What the operator may do now, in one place: buttons, menus and palette ask here."""

from collections.abc import Callable

from gui.link.station import Link, LinkState
from gui.model.readings import Readings

Permission = Callable[["RigState"], str]
"""Returns '' when an action is possible now, else why not, in the operator's words."""


class RigState:
    """Questions about the rig that decide what is possible."""

    def __init__(self, link: Link, readings: Readings) -> None:
        self.link = link
        self.readings = readings

    @property
    def connected(self) -> bool:
        return self.link.state is LinkState.CONNECTED

    @property
    def run_state(self) -> str:
        """idle, preparing, running, paused, stopping."""
        return self.readings.text("run:state") or "idle"

    @property
    def controller(self) -> str:
        """Who holds control; empty for nobody."""
        return self.readings.text("station:control")

    @property
    def in_control(self) -> bool:
        """This window holds control, or nobody does and the first command takes it."""
        return self.controller in ("", self.link.name)


def anytime(_state: RigState) -> str:
    return ""


def connected(state: RigState) -> str:
    return "" if state.connected else state.link.reason


def may_command(state: RigState) -> str:
    if reason := connected(state):
        return reason
    return "" if state.in_control else f"{state.controller} holds control: take it over first"


def may_move(state: RigState) -> str:
    """For everything that moves the rig by hand."""
    if reason := may_command(state):
        return reason
    if state.run_state != "idle":
        return "a run is under way and moves the rig itself"
    return ""


def during_run(state: RigState) -> str:
    if reason := may_command(state):
        return reason
    return "" if state.run_state != "idle" else "no run is under way"


def while_running(state: RigState) -> str:
    if reason := may_command(state):
        return reason
    return "" if state.run_state == "running" else "no run is counting"


def while_paused(state: RigState) -> str:
    if reason := may_command(state):
        return reason
    return "" if state.run_state == "paused" else "the run is not paused"
