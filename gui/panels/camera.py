"""The EMCCD: picture, gain, temperature, saturation, and watching by hand."""

import time

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QToolButton, QVBoxLayout, QWidget

from gui.context import Context
from gui.model.counting import Counting
from gui.model.picture import Rect, place_on_sensor, robust_levels
from gui.panel import Panel
from gui.panels.outline import Outline
from gui.panels.register import REGISTER, charge, register_state
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.fact import Fact
from gui.widgets.flow import FlowLayout
from gui.widgets.plot import themed_plot
from gui.widgets.setpoint import SetpointField
from gui.widgets.short_button import short_button
from gui.widgets.words import words
from gui.words import true_minus

LEVELS_S = 0.5
"""Levels follow the picture no faster than this: a picture that pumps cannot be read."""
ALARM_FRACTION = 1e-3
"""Frames lost, or pixels saturated, above which the counts are not to be trusted."""
FULL_SCALE = (0.0, 65535.0)
DIMMED = 0.45
GAIN_COMES_BACK = "The next live view or segment sets the gain again."
OUTLINE_ROOM = 0.03
"""Of the longer side, around the picture."""
QWIDGETSIZE_MAX = (1 << 24) - 1


class CameraPanel(Panel):
    """Picture and state of the camera."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.plot = themed_plot(context, "picture of the trap", "x", "y", x_unit="px", y_unit="px")
        self.plot.box.setAspectLocked(True)
        self.plot.box.invertY(True)
        self.image = pg.ImageItem(axisOrder="row-major")
        self.image.setColorMap("viridis")
        self.plot.addItem(self.image)
        self.spot, self.region = Outline(), Outline()
        for outline in (self.region, self.spot):
            self.plot.box.addItem(outline, ignoreBounds=True)
        self._place: Rect = (0, 0, 0, 0)
        self._levels_at_s = -np.inf
        self.badge = Badge(context.theme, "Picture")
        self.register = Badge(context.theme, "Register")
        self.trip = words(role="wrong")
        self.facts = {
            name: Fact(caption)
            for name, caption in (
                # In this order they take three lines, at large text too.
                ("frames", "Frames"),
                ("lost", "Lost"),
                ("gain", "Gain"),
                ("saturated", "Saturated"),
                ("dose", "Dose"),
                ("exposure", "Exposure"),
                ("temperature", "CCD"),
            )
        }
        self._levels = [0.0, 1.0]
        self.fixed = QToolButton()
        self.fixed.setText("Fix levels")
        self.fixed.setCheckable(True)
        self.fixed.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.fixed.setAccessibleName("Fix the levels of the picture")
        self.fixed.setToolTip("Black and white stay where they are; change them in the fields")
        self.fixed.toggled.connect(self._on_fixed)
        self.level_fields = tuple(
            SetpointField(name, "ADU", 0, lambda value, end=end: self._set_level(end, value),
                          lambda: FULL_SCALE, lambda value, end=end: self._refused(end, value))
            for end, name in enumerate(("black level", "white level"))
        )  # fmt: skip
        self._build()
        self.follow(self._show_image, "camera:image", "station:rig")
        self.follow(self._show_state, "camera:acquiring", "camera:image")
        self.follow(self._show_spot, "camera:counting", "station:rig")
        self.follow(self._show_region, "station:rig")
        self.follow(self._show_frames, "camera:frames", "camera:lost", "camera:saturated")
        self.follow(self._show_settings, "camera:gain", "camera:exposure", "camera:temperature",
                    "camera:stable")  # fmt: skip
        self.follow(self._show_register, *REGISTER)

    @property
    def levels(self) -> tuple[float, float]:
        """Black and white in ADU."""
        return self._levels[0], self._levels[1]

    def _build(self) -> None:
        self._side = QWidget()
        facts = FlowLayout(spacing_px=8)
        self._side.setLayout(facts)
        facts.addWidget(self.badge)
        facts.addWidget(self.register)
        for fact in self.facts.values():
            facts.addWidget(fact)
        self._upper = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._upper.addWidget(self._side)
        self._upper.addWidget(self.plot, 1)
        lower = FlowLayout()
        for name, text in (("81", "81Kr"), ("85", "85Kr"), ("blank", "Blank"), ("off", "End view")):
            lower.addWidget(short_button(self.context, f"camera.view_{name}", text))
        lower.addWidget(self.fixed)
        for field in self.level_fields:
            field.setVisible(False)
            lower.addWidget(field)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(4)
        column.addWidget(self.trip)
        column.addLayout(self._upper, 1)
        column.addLayout(lower)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A picture is square: what is said of it stands beside it where there is room."""
        super().resizeEvent(event)
        column = self.fontMetrics().horizontalAdvance("■ Saturated 100.00 %") + 12
        beside = self.width() - column > 0.8 * self.height()
        direction = QBoxLayout.Direction
        self._upper.setDirection(direction.RightToLeft if beside else direction.TopToBottom)
        self._side.setMinimumWidth(column if beside else 0)
        self._side.setMaximumWidth(column if beside else QWIDGETSIZE_MAX)

    def _show_image(self) -> None:
        image = self.context.readings.value("camera:image").value
        if not _is_picture(image):
            return
        now_s = time.monotonic()
        if not self.fixed.isChecked() and now_s - self._levels_at_s >= LEVELS_S:
            self._levels_at_s = now_s
            self._levels[:] = robust_levels(image)
        self.image.setImage(image, levels=self.levels)
        rig = self.context.readings.rig
        place = place_on_sensor(image.shape, rig.roi if rig else None)
        if place != self._place:
            self._place = place
            x, y, width, height = place
            self.image.setRect(QRectF(x, y, width, height))
            # With room for the outline of a picture that is the region of interest alone.
            room = OUTLINE_ROOM * max(width, height)
            self.plot.show_range((x - room, x + width + room), (y - room, y + height + room))
            self._show_spot()
            self._show_region()

    def _show_state(self) -> None:
        readings = self.context.readings
        acquiring = readings.value("camera:acquiring")
        seen = _is_picture(readings.value("camera:image").value)
        if acquiring.stale:
            self.badge.show_state("unknown", Tone.STALE, acquiring.message)
        elif not seen:
            self.badge.show_state("none yet", Tone.OFF, "the camera has sent no frame")
        elif acquiring.value:
            self.badge.show_state("live", Tone.OK, "the camera exposes")
        else:
            self.badge.show_state("last one", Tone.OFF, "the camera does not expose")
        self.image.setOpacity(1.0 if readings.flag("camera:acquiring") else DIMMED)

    def _show_spot(self) -> None:
        counting = Counting.from_record(self.context.readings.parsed("camera:counting"))
        rig = self.context.readings.rig
        # The spot is known in the region of interest; on another picture it would be misplaced.
        spot = counting.spot if counting and rig and self._place == rig.roi else None
        if spot is None:
            self.spot.setVisible(False)
            return
        row, column, sigma = spot
        x, y = self._place[0] + column + 0.5, self._place[1] + row + 0.5
        self.spot.show_ellipse(QRectF(x - 2 * sigma, y - 2 * sigma, 4 * sigma, 4 * sigma))

    def _show_region(self) -> None:
        """The region of interest of the rig file, in pixels of the sensor."""
        rig = self.context.readings.rig
        if rig is not None and self._place[2]:
            self.region.show_rectangle(QRectF(*rig.roi))

    def _show_frames(self) -> None:
        readings = self.context.readings
        frames, lost = readings.value("camera:frames"), readings.value("camera:lost")
        taken, missed = frames.value or 0, lost.value or 0
        share = missed / (taken + missed) if missed else 0.0
        self.facts["frames"].say(
            _text(frames.value), stale=frames.stale, why="frames of this segment"
        )
        wrong = share > ALARM_FRACTION and not lost.stale
        self.facts["lost"].say(
            f"{missed} ({100 * share:.1f} %)" if missed else _text(lost.value),
            wrong=wrong, stale=lost.stale,
            why="more than 0.1 % of the frames of this segment did not arrive: the counts are "
            "taken with less live time" if wrong else "frames of this segment that did not arrive",
        )  # fmt: skip
        saturated = readings.value("camera:saturated")
        part = readings.number("camera:saturated")
        wrong = part > ALARM_FRACTION and not saturated.stale
        self.facts["saturated"].say(
            f"{100 * part:.2f} %" if part == part else "–", wrong=wrong, stale=saturated.stale,
            why="more than 0.1 % of the pixels are saturated: lower gain, exposure or light"
            if wrong else "saturated pixels of the latest frame",
        )  # fmt: skip

    def _show_settings(self) -> None:
        readings = self.context.readings
        gain = readings.value("camera:gain")
        self.facts["gain"].say("off" if gain.value == 0 else _text(gain.value), stale=gain.stale,
                                why="EM gain")  # fmt: skip
        exposure = readings.value("camera:exposure")
        ms = 1e3 * readings.number("camera:exposure")
        self.facts["exposure"].say(
            f"{ms:.0f} ms" if ms == ms else "–", stale=exposure.stale, why="exposure time"
        )
        temperature, stable = readings.value("camera:temperature"), readings.value("camera:stable")
        degrees = readings.number("camera:temperature")
        settling = not stable.stale and not stable.value
        self.facts["temperature"].say(
            (true_minus(f"{degrees:.1f} °C") if degrees == degrees else "–")
            + (", not settled" if settling else ""),
            wrong=settling, stale=temperature.stale,
            why="the gain drifts until the sensor is at its temperature" if settling
            else "temperature of the sensor",
        )  # fmt: skip

    def _show_register(self) -> None:
        """What wears the multiplication register, and what protects it now."""
        readings = self.context.readings
        dose, ever = readings.number("camera:dose"), readings.number("camera:dose_total")
        self.facts["dose"].say(
            charge(dose), stale=readings.value("camera:dose").stale,
            why="charge through the multiplication register since the station started; "
            f"{charge(ever)} ever. It ages with it",
        )  # fmt: skip
        state = register_state(readings)
        self.register.show_state(state.word, state.tone, state.why)
        tripped = state.why if state.tone is Tone.DANGER else ""
        self.trip.setText(f"Tripped: {tripped.rstrip('.')}. {GAIN_COMES_BACK}" if tripped else "")
        self.trip.setVisible(bool(tripped))

    def _on_fixed(self, fixed: bool) -> None:
        for field, level in zip(self.level_fields, self.levels, strict=True):
            field.revert()
            field.show_value(round(level))
            field.setVisible(fixed)
        self._levels_at_s = -np.inf
        self._show_image()

    def _set_level(self, end: int, value: float) -> None:
        self._levels[end] = value
        self.level_fields[1 - end].recheck()
        self._show_image()

    def _refused(self, end: int, value: float) -> str:
        """Black above white would turn the picture round without a word."""
        black, white = self._levels
        if end == 0 and value >= white:
            return f"Black stays below white ({white:.0f} ADU): raise white first"
        if end == 1 and value <= black:
            return f"White stays above black ({black:.0f} ADU): lower black first"
        return ""


def _is_picture(image: object) -> bool:
    """The station posts a single pixel before the first frame."""
    return isinstance(image, np.ndarray) and image.ndim == 2 and image.size > 1


def _text(value: object) -> str:
    return "–" if value is None or value != value else str(value)
