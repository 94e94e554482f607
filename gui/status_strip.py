"""What is always visible: station, rig, light, lock, camera, run, time left, STOP."""

import math

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from atta_daq.client.log import alarms_from_json
from atta_daq.client.runs import PointUnderWay
from gui.context import Context
from gui.link.station import LinkState
from gui.model.output import output_missing
from gui.model.point import point_words
from gui.model.run_end import INPUTS as RUN_END
from gui.model.run_end import RunEnd, end_tone, run_end
from gui.model.state import activity_words
from gui.model.trap_place import INPUTS as PLACE
from gui.model.trap_place import unplaced
from gui.panel import Panel
from gui.panels.register import REGISTER, register_state
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

BAR_MARGIN_PX = 16


def duration(seconds: float) -> str:
    """'2 h 05 min', '12 min', '40 s'."""
    if not math.isfinite(seconds) or seconds < 0.0:
        return "–"
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60.0)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _whole(number: float) -> int:
    """A number of segments; 0 while it has not come."""
    return int(number) if math.isfinite(number) else 0


def _ended(end: RunEnd | None) -> str:
    """Why a run ended that nobody has looked at yet."""
    if end is None or not end.unseen:
        return ""
    return f"ended, {end.state}: {end.reason}" if end.reason else f"ended, {end.state}"


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
                ("guard", "Seed guard"),
                ("lock", "Lock"),
                ("shutter", "819 nm"),
                ("trap", "Trap"),
                ("camera", "Camera"),
                ("alarms", "Alarms"),
            )
        }
        self._run = ElidedLabel("no run")
        self._point = ElidedLabel()
        self._bar = QProgressBar()
        self._bar.setAccessibleName("progress of the run")
        self._bar.setMaximumHeight(22)
        self._trouble = ElidedLabel()
        self._trouble.setProperty("role", "wrong")
        first = QHBoxLayout()
        first.setSpacing(10)
        for name in ("station", "control", "run", "alarms"):
            first.addWidget(self.badges[name])
        lower = ("interlock", "guard", "seed", "amplifier", "lock", "shutter", "trap", "camera")
        first.addWidget(self._bar)
        first.addWidget(self._run, 1)
        rows = QVBoxLayout()
        rows.setSpacing(0)
        rows.addLayout(first)
        rows.addWidget(WrappedRow(*(self.badges[name] for name in lower), self._point))
        rows.addWidget(self._trouble)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(6, 3, 6, 3)
        whole.addLayout(rows, 1)
        whole.addWidget(context.actions.button("rig.stop"))
        context.link.state_changed.connect(self._show_link)
        self._show_link()
        self.follow(self._show_run, *RUN_END, "run:segment", "run:segments", "run:remaining",
                    "run:point", "run:suspended", "run:recovery", "run:skipped",
                    "station:activity")  # fmt: skip
        self.follow(self._show_control, "station:control")
        self.follow(self._show_light, "amplifier:seed_on", "amplifier:on", "amplifier:current",
                    "amplifier:interlock_open", "amplifier:protected", "light:shutter",
                    "amplifier:seed_power", "station:rig", "station:alarms")  # fmt: skip
        self.follow(self._show_lock, "lock:locked", "lock:reason")
        self.follow(self._show_trap, *PLACE, "trap:locked")
        self.follow(self._show_camera, *REGISTER, "camera:acquiring")
        self.follow(self._show_alarms, "station:alarms")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_run_text()

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
        word, why = link.state.value, link.reason
        if link.state is LinkState.CONNECTED and self.context.simulated:
            word, why = f"{word}, simulated", f"{why}; no atom and no laser of this rig is real"
        self.badges["station"].show_state(word, _LINK[link.state], why)

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
            said = f"{who}, this window watches"
            self.badges["control"].show_state(said, Tone.WARNING, f"{who} commands")

    def _show_run(self) -> None:
        readings = self.context.readings
        stale = readings.value("run:state").stale
        end = run_end(readings)
        self._show_run_badge(end)
        counted = self.context.state.run_state != "idle" or end is not None
        total = max(1, _whole(readings.number("run:segments")) if counted else 1)
        taken = _whole(readings.number("run:segment")) if counted else 0
        self._bar.setRange(0, total)
        self._bar.setValue(min(taken, total))
        self._bar.setFormat(f"{taken} of {total} segments" if counted else "")
        self._fit_bar()
        self._bar.setEnabled(not stale)
        self._show_run_text()
        suspended = readings.text("run:suspended")
        trouble = _waiting(suspended, readings.text("run:recovery")) or _ended(end)
        self._trouble.show_text(trouble)
        self._trouble.setVisible(bool(trouble))
        for label in (self._run, self._point, self._trouble):
            show_stale(label, stale)

    def _fit_bar(self) -> None:
        """As wide as the last of its words: time left and point need the room."""
        last = f"{self._bar.maximum()} of {self._bar.maximum()} segments"
        words_px = self._bar.fontMetrics().horizontalAdvance(last)
        self._bar.setFixedWidth(words_px + BAR_MARGIN_PX)

    def _show_run_badge(self, end: RunEnd | None) -> None:
        """The run or its end; what the rig does outside a run, unless a fault is to be seen."""
        readings, badge = self.context.readings, self.badges["run"]
        value, activity = readings.value("run:state"), self.context.state.activity
        busy = not value.stale and bool(activity) and not (end and end.unseen)
        badge.rename("Rig" if busy else "Run")
        suspended = readings.text("run:suspended")
        if value.stale:
            badge.show_state("unknown", Tone.STALE, value.message)
        elif busy:
            badge.show_state(activity_words(activity), Tone.BUSY, "the rig is busy outside a run")
        elif end is not None:
            seen = "acknowledge its alarm in the log when you have seen it"
            why = f"{end.reason}\n{seen}" if end.unseen else end.reason
            badge.show_state(f"ended, {end.state}", end_tone(end), why)
        elif suspended:
            badge.show_state("suspended", Tone.WARNING, suspended)
        else:
            state = self.context.state.run_state
            badge.show_state(state, _RUN.get(state, Tone.WARNING))

    def _show_run_text(self) -> None:
        """What is most wanted first: the end gives way where there is no room. A point that would
        give way too (large text, a narrow window) stands beside the badges below instead."""
        point = PointUnderWay.from_json(self.context.readings.text("run:point"))
        left, said = self._time_left(), point_words(point) if point else ""
        wanted = ", ".join(part for part in (left, said) if part)
        room_px = self._run.width()
        below = bool(said) and self._run.fontMetrics().horizontalAdvance(wanted) > room_px
        self._point.show_text(said if below else "")
        self._point.setVisible(below)
        run_id = self.context.readings.text("run:id") or "no run"
        parts = (left, "" if below else said, self._blocks_skipped(), run_id)
        self._run.show_text(", ".join(part for part in parts if part))

    def _time_left(self) -> str:
        readings = self.context.readings
        left = readings.number("run:remaining")
        if self.context.state.run_state in ("running", "paused") and math.isfinite(left):
            rate = readings.rig.rate if readings.rig else 1.0
            at_rate = f" of rig time left ({duration(left / rate)})" if rate != 1.0 else " left"
            return duration(left) + at_rate
        return ""

    def _blocks_skipped(self) -> str:
        skipped = self.context.readings.number("run:skipped")
        if not (skipped > 0 and self.context.readings.text("run:id")):
            return ""
        return f"{skipped:.0f} {'block' if skipped == 1 else 'blocks'} skipped"

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
        self._flag("interlock", "amplifier:interlock_open", ("OPEN", Tone.DANGER),
                   ("closed", Tone.OK))  # fmt: skip
        self._show_guard()
        self._show_shutter()

    def _show_guard(self) -> None:
        protected = self.context.readings.value("amplifier:protected")
        off = ("NOT PROTECTED", Tone.DANGER)
        if not self._flag("guard", "amplifier:protected", ("armed", Tone.OK), off):
            why = protected.message or "the box's own guard against missing seed is off"
            self.badges["guard"].setToolTip(why)

    def _show_shutter(self) -> None:
        """Well only with light behind it."""
        readings, badge = self.context.readings, self.badges["shutter"]
        if not self._flag("shutter", "light:shutter", ("ON", Tone.OK), ("blocked", Tone.OFF)):
            return
        amplifier = readings.value("amplifier:on")
        if missing := output_missing(readings):
            badge.show_state("ON", Tone.WARNING, missing)
        elif not amplifier.stale and not amplifier.value:
            badge.show_state("open", Tone.OFF, "no light: the amplifier is off")

    def _show_lock(self) -> None:
        locked = self._flag("lock", "lock:locked", ("locked", Tone.OK), ("LOST", Tone.DANGER))
        reason = self.context.readings.text("lock:reason")
        if not locked and reason and not self.context.readings.value("lock:locked").stale:
            self.badges["lock"].show_state("LOST", Tone.DANGER, reason)

    def _show_trap(self) -> None:
        isotope = self.context.readings.value("trap:isotope")
        if nowhere := unplaced(self.context.readings):
            self.badges["trap"].show_state(*nowhere)
        else:
            word = f"{isotope.value}Kr" if isotope.value else "blank"
            locked = self.context.readings.flag("trap:locked")
            self.badges["trap"].show_state(
                word if locked else f"{word}, unlocked", Tone.OK if locked else Tone.WARNING
            )

    def _show_camera(self) -> None:
        readings = self.context.readings
        badge, register = self.badges["camera"], register_state(readings)
        gain, stable = readings.value("camera:gain"), readings.value("camera:stable")
        if register.tone in (Tone.STALE, Tone.DANGER):
            badge.show_state(register.word, register.tone, register.why)
        elif not stable.stale and not stable.value:
            with_gain = f"gain {gain.value}, " if gain.value else ""
            badge.show_state(f"{with_gain}not settled", Tone.WARNING, "not at its temperature")
        elif readings.flag("camera:acquiring"):
            badge.show_state(f"gain {gain.value or 'off'}", Tone.OK, "exposing")
        else:
            badge.show_state("dark", Tone.OFF, "ready")

    def _show_alarms(self) -> None:
        alarms = alarms_from_json(self.context.readings.text("station:alarms"))
        active = [alarm for alarm in alarms if alarm.active]
        over = [alarm for alarm in alarms if not alarm.active and not alarm.acknowledged]
        counts = [f"{len(active)} active" if over else str(len(active))] if active else []
        counts += [f"{len(over)} past unseen"] if over else []
        text = "\n".join(alarm.text for alarm in alarms)
        value = self.context.readings.value("station:alarms")
        if value.stale:
            self.badges["alarms"].show_state("unknown", Tone.STALE, value.message)
        elif counts:
            major = any(alarm.severity == "major" for alarm in active)
            self.badges["alarms"].show_state(
                ", ".join(counts), Tone.DANGER if major else Tone.WARNING, text
            )
        else:
            self.badges["alarms"].show_state("none", Tone.OK)
