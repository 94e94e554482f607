"""What the operator may do now, in one place: buttons, menus and palette ask here."""

from collections.abc import Callable

from gui.link.station import Link, LinkState
from gui.model.readings import Readings

VIEW, ALIGNMENT, CALIBRATION = "camera view", "alignment", "calibration "
"""How the station's activities are called, or how their names begin."""

Permission = Callable[["RigState"], str]
"""Returns '' when an action is possible now, else why not, in the operator's words."""


class RigState:
    """Questions about the rig that decide what is possible."""

    def __init__(self, link: Link, readings: Readings, wanted: str = "") -> None:
        """`wanted` says which station was asked for; empty when any will do."""
        self.link = link
        self.readings = readings
        self.wanted = wanted
        self.ours = False
        """The station that it is, or last was, attached to is the one that this window started."""

    @property
    def connected(self) -> bool:
        return self.link.state is LinkState.CONNECTED

    @property
    def run_state(self) -> str:
        """idle, preparing, running, paused, stopping."""
        return self.readings.text("run:state") or "idle"

    @property
    def under_way(self) -> bool:
        """A run is, on a station that answers."""
        return self.connected and self.run_state != "idle"

    @property
    def activity(self) -> str:
        """What the rig does outside a run, as the station calls it; empty for nothing."""
        return self.readings.text("station:activity") if self.run_state == "idle" else ""

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


def may_take(state: RigState) -> str:
    """For taking control without force."""
    if reason := may_force(state):
        return reason
    if not state.in_control:
        return f"{state.controller} holds control; ask there, or take by force"
    return ""


def may_force(state: RigState) -> str:
    if reason := connected(state):
        return reason
    return "this window has control" if state.controller == state.link.name else ""


def without_station(state: RigState) -> str:
    """For what takes the place of a station: never of one that was asked for or may come back, but
    for the simulated one that this window has started and that has died."""
    if state.connected:
        return f"this window is attached to {state.link.reason}"
    if state.wanted:
        return f"this window is for {state.wanted}; open one without it"
    again = state.ours and state.link.state is LinkState.LOST
    if state.link.state is not LinkState.SEARCHING and not again:
        return f"{state.link.reason}; open another window for a simulated rig"
    return ""


def may_command(state: RigState) -> str:
    if reason := connected(state):
        return reason
    return "" if state.in_control else f"{state.controller} holds control: take it over first"


def outside_run(state: RigState) -> str:
    """For what ends an activity itself, such as the start of a run."""
    if reason := may_command(state):
        return reason
    if state.run_state != "idle":
        return "a run is under way and moves the rig itself"
    return ""


def may_move(state: RigState) -> str:
    """For what the station does for one at a time: not beside an activity either."""
    return outside_run(state) or _busy(state)


def may_steer(state: RigState) -> str:
    """For light and setpoints: also beside a live view or an alignment, which are made for it."""
    beside = state.activity.startswith((VIEW, ALIGNMENT))
    return outside_run(state) or ("" if beside else _busy(state))


def may_watch(state: RigState) -> str:
    """For a live view, which takes the place of another one, and for its end."""
    return outside_run(state) or ("" if state.activity.startswith(VIEW) else _busy(state))


def may_end_alignment(state: RigState) -> str:
    return outside_run(state) or ("" if state.activity == ALIGNMENT else _busy(state))


def may_relock(state: RigState) -> str:
    """A paused run leaves the lock to the operator."""
    return "" if not while_paused(state) else may_move(state)


def activity_words(activity: str) -> str:
    """'calibrating the cavity', 'watching 85Kr', 'aligning', 'zeroing'."""
    if activity.startswith(CALIBRATION):
        return f"calibrating the {activity.removeprefix(CALIBRATION).replace('-', ' ')}"
    if activity.startswith(VIEW):
        seen = activity.removeprefix(VIEW).strip()
        return f"watching {'the blank' if seen == 'blank' else seen}"
    return "aligning" if activity == ALIGNMENT else activity


def _busy(state: RigState) -> str:
    return f"the rig is busy: {activity_words(state.activity)}" if state.activity else ""


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
