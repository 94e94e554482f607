"""The transfer-cavity lock of the 819-nm laser."""

from typing import Any

import numpy as np
from PySide6.QtWidgets import QGridLayout

from gui.context import Context
from gui.panels.actuator_bar import RAILS, ActuatorBar
from gui.panels.lock_loss import lock_loss
from gui.panels.lock_traces import LockTraces
from gui.panels.ramp_picture import RampPicture
from gui.panels.scrolled import ScrolledPanel
from gui.panels.small_plot import SmallPlot, nice_limit
from gui.panels.zero import last_zero
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.flowing import flowing
from gui.widgets.readback import Readback
from gui.widgets.setpoint_row import SetpointRow
from gui.widgets.short_button import short_button
from gui.widgets.words import set_role, show_stale, words
from gui.words import sentence

ACTIONS = {
    "lock.freeze": "Freeze",
    "lock.zero": "Zero",
    "lock.jump_81": "81Kr",
    "lock.jump_83": "83Kr",
    "lock.jump_84": "84Kr",
    "lock.jump_85": "85Kr",
}
"""With the captions of their buttons."""
TRACES = {"master": "lock:trace_master", "slave": "lock:trace_slave"}
"""Photodiodes of a lock that digitises them; the firmware lock reports its peaks only."""
SWEEPS = "lock:trace_errors"
"""Errors of single sweeps; a lock without traces has those of the station's polls."""
POLLS = "lock:errors"
POLL_LABEL, SWEEP_LABEL = (f"{one}, newest is 0" for one in ("Poll", "Sweep"))
SMALLEST_RANGE_MHZ = 0.5


class LockPanel(ScrolledPanel):
    """State, detuning, error signal, actuator and peaks; the lock's commands."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.locked = Badge(context.theme, "Lock")
        self.loss = Badge(context.theme, "")
        self.loss.mark(True)
        self.reason = words(role="wrong")
        self.head.addLayout(flowing(self.locked, context.actions.button("lock.relock"), self.loss))
        self.head.addWidget(self.reason)
        self.detuning = SetpointRow(
            self, "Detuning", "MHz", 2, self._command, limits="light:detuning",
            readback=Readback(self, "light:detuning"),
            watched=("amplifier:current_set", "amplifier:seed_power", "amplifier:seed_on"),
        )  # fmt: skip
        self.body.addWidget(self.detuning)
        self.body.addLayout(
            flowing(*(short_button(context, name, text) for name, text in ACTIONS.items()))
        )
        rms = QGridLayout()
        rms.setColumnStretch(0, 1)
        rms.addWidget(words("RMS of the slave frequency", role=""), 0, 0)
        rms.addWidget(Readback(self, "lock:rms"), 0, 1)
        self.body.addLayout(rms)
        self.strip = SmallPlot(
            context.theme, "error signal of the lock", POLL_LABEL, "Error (MHz)", lines=11.0
        )
        self.curve = self.strip.plot([], [])
        self.body.addWidget(self.strip)
        self.actuator = ActuatorBar(context.theme)
        self.body.addWidget(self.actuator)
        self.peaks = RampPicture(context.theme)
        self.body.addWidget(self.peaks)
        self.about_peaks = words("This lock reports peaks, not the photodiodes' traces.")
        self.body.addWidget(self.about_peaks)
        self.traces = LockTraces(context.theme)
        self.traces.hide()
        self.body.addWidget(self.traces)
        self.zero = words()
        self.body.addWidget(self.zero)
        self.body.addStretch(1)
        context.theme.changed.connect(self._restyle)
        self._restyle()
        self.follow(self._show_state, "lock:locked", "lock:reason", "run:state")
        self.follow(self._show_setpoint, "light:detuning_set")
        self.follow(self._show_errors, POLLS, SWEEPS)
        self.follow(self._show_actuator, "lock:actuator")
        self.follow(self._show_peaks, "lock:peaks")
        parts = [f"{name}{of}" for name in TRACES.values() for of in ("", "_peaks")]
        self.follow(self._show_traces, "lock:trace_times", *parts)
        self.follow(self._show_zero, "cell:zero")

    def _show_state(self) -> None:
        readings = self.context.readings
        value, reason = readings.value("lock:locked"), readings.text("lock:reason")
        if value.stale:
            self.locked.show_state("unknown", Tone.STALE, value.message)
            reason = value.message
        elif value.value:
            self.locked.show_state("locked", Tone.OK)
            reason = ""
        else:
            self.locked.show_state("LOST", Tone.DANGER, reason)
            reason = reason or "the lock does not say why"
        lost = lock_loss(reason)
        self.loss.setVisible(bool(lost.name))
        if lost.name:
            wiring = f"wiring: {lost.name}" if lost.wiring else lost.name
            self.loss.show_state(wiring, Tone.DANGER, lost.text)
        self._place_traces(first=lost.wiring)
        free = self.context.state.run_state in ("idle", "paused")
        todo = "relock" if free else "pause the run and relock"
        self.reason.setText(
            sentence(lost.text) + (f" Look at the cables, then {todo}." if lost.wiring else "")
        )
        self.reason.setVisible(bool(reason))

    def _place_traces(self, *, first: bool) -> None:
        """The traces on top while they are the proof of what is wrong with the wiring."""
        if first == (self.body.indexOf(self.traces) == 0):
            return
        self.body.removeWidget(self.traces)
        self.body.insertWidget(0 if first else self.body.indexOf(self.zero), self.traces)

    def _show_setpoint(self) -> None:
        self.detuning.field.show_value(self.context.readings.number("light:detuning_set"))

    def _show_errors(self) -> None:
        name = SWEEPS if self._array(SWEEPS).size else POLLS
        errors = self._array(name)
        self.curve.setData(np.arange(1 - errors.size, 1), errors)
        self.curve.setPen(self.strip.pen(1, stale=self.context.readings.value(name).stale))
        self.strip.label("bottom", SWEEP_LABEL if name == SWEEPS else POLL_LABEL)
        if not errors.size:
            self.strip.show_nothing()
            return
        finite = errors[np.isfinite(errors)]
        largest = float(np.abs(finite).max()) if finite.size else 0.0
        limit = nice_limit(max(largest, SMALLEST_RANGE_MHZ))
        # So much beyond the limits that their numbers have room.
        reach = 1.25 * limit
        self.strip.show_range((-max(errors.size - 1, 1), 0), (-reach, reach))

    def _show_actuator(self) -> None:
        value = self.context.readings.value("lock:actuator")
        known = value.low is not None and value.high is not None
        rails = (float(value.low or 0.0), float(value.high or 1.0)) if known else RAILS
        position = self.context.readings.number("lock:actuator")
        self.actuator.show_position(position, rails, stale=value.stale)

    def _show_peaks(self) -> None:
        value = self.context.readings.value("lock:peaks")
        read = value.value is not None
        times_us = self._array("lock:peaks").tolist() if read else None
        self.peaks.show_peaks(times_us, stale=value.stale)

    def _show_traces(self) -> None:
        times = self._array("lock:trace_times")
        self.traces.setVisible(bool(times.size))
        self.peaks.setVisible(not times.size)
        self.about_peaks.setVisible(not times.size)
        self.traces.show_sweep(
            times,
            {diode: self._array(name) for diode, name in TRACES.items()},
            {diode: self._array(f"{name}_peaks") for diode, name in TRACES.items()},
            stale=self.context.readings.value("lock:trace_times").stale,
        )

    def _show_zero(self) -> None:
        zero = last_zero(self.context.readings)
        show_stale(self.zero, self.context.readings.value("cell:zero").stale)
        self.zero.setText(zero.text if zero else "Not zeroed since the station started.")
        set_role(self.zero, "wrong" if zero and not zero.ok else "muted")

    def _array(self, name: str) -> np.ndarray:
        value = self.context.readings.value(name).value
        return np.empty(0) if value is None else np.asarray(value, dtype=float)

    def _command(self, detuning: float) -> tuple[str, dict[str, Any]]:
        return "move_light", {"detuning_mhz": detuning}

    def _restyle(self) -> None:
        self._show_errors()
