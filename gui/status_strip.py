"""What is always visible: station, rig, light, lock, camera, run, time left, STOP."""

import math

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from gui.context import Context
from gui.link.station import LinkState
from gui.model.output import output_missing
from gui.panel import Panel
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.elided import ElidedLabel
from gui.widgets.words import show_stale
from gui.widgets.wrapped import WrappedRow

_LINK = {
    LinkState.CONNECTED: Tone.OK,
    LinkState.SEARCHING: Tone.WARNING,
    LinkState.LOST: Tone.DANGER,
    LinkState.REFUSED: Tone.DANGER,
}
_RUN = {
    "idle": Tone.OFF,
    "preparing": Tone.BUSY,
    "running": Tone.OK,
    "paused": Tone.WARNING,
    "stopping": Tone.BUSY,
}


def duration(seconds: float) -> str:
    """'2 h 05 min', '12 min', '40 s'."""
    if not math.isfinite(seconds) or seconds < 0.0:
        return "–"
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60.0)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _waiting(suspended: str, recovery: str) -> str:
    """Why a run waits and what is tried, most important first: the end of a long line is cut."""
    if not suspended:
        return ""
    return f"waiting ({recovery}): {suspended}" if recovery else f"waiting: {suspended}"


class StatusStrip(Panel):
    """The strip over everything else."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        theme = context.theme
        self.badges = {
            name: Badge(theme, caption)
            for name, caption in (
                ("station", "Station"),
                ("control", "Control"),
                ("run", "Run"),
                ("seed", "Seed"),
                ("amplifier", "Amplifier"),
                ("interlock", "Interlock"),
                ("lock", "Lock"),
                ("shutter", "819 nm"),
                ("trap", "Trap"),
                ("camera", "Camera"),
                ("alarms", "Alarms"),
            )
        }
        self._run = ElidedLabel("no run")
        self._bar = QProgressBar()
        self._bar.setAccessibleName("progress of the run")
        self._bar.setMaximumHeight(22)
        self._bar.setFixedWidth(220)
        self._suspended = ElidedLabel()
        self._suspended.setProperty("role", "wrong")
        first = QHBoxLayout()
        first.setSpacing(10)
        for name in ("station", "control", "run", "alarms"):
            first.addWidget(self.badges[name])
        lower = ("interlock", "seed", "amplifier", "lock", "shutter", "trap", "camera")
        first.addWidget(self._bar)
        first.addWidget(self._run, 1)
        rows = QVBoxLayout()
        rows.setSpacing(0)
        rows.addLayout(first)
        rows.addWidget(WrappedRow(*(self.badges[name] for name in lower)))
        rows.addWidget(self._suspended)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(6, 3, 6, 3)
        whole.addLayout(rows, 1)
        whole.addWidget(context.actions.button("rig.stop"))
        context.link.state_changed.connect(self._show_link)
        self._show_link()
        self.follow(self._show_run, "run:state", "run:id", "run:segment", "run:segments",
                    "run:remaining", "run:suspended", "run:recovery", "run:skipped",
                    "station:activity")  # fmt: skip
        self.follow(self._show_control, "station:control")
        self.follow(self._show_light, "amplifier:seed_on", "amplifier:on", "amplifier:current",
                    "amplifier:interlock_open", "amplifier:protected", "light:shutter",
                    "amplifier:seed_power", "station:rig", "station:alarms")  # fmt: skip
        self.follow(self._show_lock, "lock:locked", "lock:reason")
        self.follow(self._show_trap, "trap:isotope", "trap:locked")
        self.follow(self._show_camera, "camera:gain", "camera:shutter", "camera:stable",
                    "camera:acquiring")  # fmt: skip
        self.follow(self._show_alarms, "station:alarms")

    def _flag(
        self, badge: str, name: str, when_on: tuple[str, Tone], off: tuple[str, Tone]
    ) -> bool:
        """Show a yes/no reading; returns True when it is on and fresh."""
        value = self.context.readings.value(name)
        if value.stale:
            self.badges[badge].show_state("unknown", Tone.STALE, value.message)
            return False
        word, tone = when_on if value.value else off
        self.badges[badge].show_state(word, tone, value.message)
        return bool(value.value)

    def _show_link(self) -> None:
        link = self.context.link
        self.badges["station"].show_state(link.state.value, _LINK[link.state], link.reason)

    def _show_control(self) -> None:
        state = self.context.state
        value = self.context.readings.value("station:control")
        if value.stale:
            self.badges["control"].show_state("unknown", Tone.STALE, value.message)
        elif not state.controller:
            self.badges["control"].show_state("free", Tone.OFF, "the first command takes it")
        elif state.in_control:
            self.badges["control"].show_state("mine", Tone.OK, "this window commands")
        else:
            who = state.controller
            self.badges["control"].show_state(f"{who} (watching)", Tone.WARNING, f"{who} commands")

    def _show_run(self) -> None:
        readings = self.context.readings
        state = readings.text("run:state") or "idle"
        value = readings.value("run:state")
        suspended = readings.text("run:suspended")
        activity = readings.text("station:activity")
        if value.stale:
            self.badges["run"].show_state("unknown", Tone.STALE, value.message)
        elif state == "idle" and activity:
            self.badges["run"].show_state(activity, Tone.BUSY, "the rig is busy outside a run")
        else:
            tone = Tone.WARNING if suspended else _RUN.get(state, Tone.WARNING)
            self.badges["run"].show_state("suspended" if suspended else state, tone, suspended)
        total = max(1, int(readings.number("run:segments") or 0) if state != "idle" else 1)
        taken = int(readings.number("run:segment")) if state != "idle" else 0
        self._bar.setRange(0, total)
        self._bar.setValue(min(taken, total))
        self._bar.setFormat(f"{taken} of {total} segments" if state != "idle" else "")
        run_id = readings.text("run:id")
        left = readings.number("run:remaining")
        text = run_id or "no run"
        skipped = readings.number("run:skipped")
        if skipped > 0:
            text += f", {skipped:.0f} {'block' if skipped == 1 else 'blocks'} skipped"
        if state in ("running", "paused") and math.isfinite(left):
            rate = readings.rig.rate if readings.rig else 1.0
            text += f", {duration(left)} of rig time left"
            if rate != 1.0:
                text += f" ({duration(left / rate)})"
        self._run.show_text(text)
        self._suspended.show_text(_waiting(suspended, readings.text("run:recovery")))
        self._suspended.setVisible(bool(suspended))
        for label in (self._run, self._suspended):
            show_stale(label, value.stale)
        self._bar.setEnabled(not value.stale)

    def _show_light(self) -> None:
        readings, rig = self.context.readings, self.context.readings.rig
        self._flag("seed", "amplifier:seed_on", ("on", Tone.OK), ("off", Tone.OFF))
        if self._flag("amplifier", "amplifier:on", ("on", Tone.OK), ("off", Tone.OFF)):
            current = readings.number("amplifier:current")
            raised = rig is not None and current > rig.unseeded_ceiling_ma
            self.badges["amplifier"].show_state(
                f"{current:.0f} mA", Tone.OK if raised else Tone.BUSY,
                "amplifying" if raised else "at its unseeded ceiling or below",
            )  # fmt: skip
        if missing := output_missing(readings):
            self.badges["amplifier"].show_state("NO OUTPUT", Tone.DANGER, missing)
        opened = self._flag("interlock", "amplifier:interlock_open", ("OPEN", Tone.DANGER),
                            ("closed", Tone.OK))  # fmt: skip
        protected = readings.value("amplifier:protected")
        if not opened and not protected.stale and not protected.value:
            self.badges["interlock"].show_state(
                "NOT PROTECTED", Tone.DANGER, "the box's own guard against missing seed is off"
            )
        self._flag("shutter", "light:shutter", ("ON", Tone.OK), ("blocked", Tone.OFF))

    def _show_lock(self) -> None:
        locked = self._flag("lock", "lock:locked", ("locked", Tone.OK), ("LOST", Tone.DANGER))
        reason = self.context.readings.text("lock:reason")
        if not locked and reason and not self.context.readings.value("lock:locked").stale:
            self.badges["lock"].show_state("LOST", Tone.DANGER, reason)

    def _show_trap(self) -> None:
        isotope = self.context.readings.value("trap:isotope")
        words = {0: "blank", -1: "unknown", None: "unknown"}
        word = words.get(isotope.value, f"{isotope.value}Kr")
        if isotope.stale:
            self.badges["trap"].show_state("unknown", Tone.STALE, isotope.message)
        elif word == "unknown":
            self.badges["trap"].show_state(word, Tone.OFF, "not set since the station started")
        else:
            locked = self.context.readings.flag("trap:locked")
            self.badges["trap"].show_state(
                word if locked else f"{word}, unlocked", Tone.OK if locked else Tone.WARNING
            )

    def _show_camera(self) -> None:
        readings = self.context.readings
        gain = readings.value("camera:gain")
        if gain.stale:
            self.badges["camera"].show_state("unknown", Tone.STALE, gain.message)
        elif readings.flag("camera:acquiring"):
            self.badges["camera"].show_state(f"gain {gain.value}", Tone.OK, "exposing")
        elif not readings.flag("camera:stable"):
            self.badges["camera"].show_state("warm", Tone.WARNING, "not at its temperature")
        else:
            self.badges["camera"].show_state("dark", Tone.OFF, "ready")

    def _show_alarms(self) -> None:
        alarms = self.context.readings.parsed("station:alarms", [])
        active = [alarm for alarm in alarms if alarm["active"]]
        waiting = [alarm for alarm in alarms if not alarm["acknowledged"]]
        text = "\n".join(alarm["text"] for alarm in alarms)
        value = self.context.readings.value("station:alarms")
        if value.stale:
            self.badges["alarms"].show_state("unknown", Tone.STALE, value.message)
        elif active:
            major = any(alarm["severity"] == "major" for alarm in active)
            self.badges["alarms"].show_state(
                str(len(active)), Tone.DANGER if major else Tone.WARNING, text
            )
        elif waiting:
            self.badges["alarms"].show_state(f"{len(waiting)} over", Tone.WARNING, text)
        else:
            self.badges["alarms"].show_state("none", Tone.OK)
