"""The EMCCD panel."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from fakes_gui import FakeLink
from panel_tools import put
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.link.station import LinkState
from gui.link.values import Value
from gui.model.picture import place_on_sensor, robust_levels
from gui.panels import camera
from gui.panels.camera import CameraPanel
from gui.panels.outline import Outline
from gui.theme.palettes import Tone


def picture(shape: tuple[int, int] = (40, 40), seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(500.0, 20.0, shape).astype(np.uint16)


@pytest.fixture
def panel(context: Context, qtbot: QtBot) -> CameraPanel:
    panel = CameraPanel(context)
    qtbot.addWidget(panel)
    panel.resize(320, 300)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def test_nothing_is_counted_before_the_first_reading(panel: CameraPanel, link: FakeLink) -> None:
    unread = Value()
    link.feed(camera__frames=unread, camera__lost=unread, camera__gain=unread,
              camera__exposure=unread, camera__temperature=unread)  # fmt: skip
    for name, text in (
        ("frames", "Frames –"), ("lost", "Lost –"), ("gain", "Gain –"),
        ("exposure", "Exposure –"), ("temperature", "CCD –"),
    ):  # fmt: skip
        assert panel.facts[name].text() == text
        assert panel.facts[name].property("stale")


def test_levels_ignore_a_few_hot_pixels() -> None:
    image = picture((512, 512))
    low, high = robust_levels(image)
    image[::101, ::97] = 65535
    assert robust_levels(image) == pytest.approx((low, high), abs=5.0)
    assert 440.0 < low < 480.0
    assert 530.0 < high < 580.0


def test_levels_of_an_even_picture_are_apart() -> None:
    low, high = robust_levels(np.full((40, 40), 7, np.uint16))
    assert low < high


def test_a_picture_of_another_size_lies_at_the_origin() -> None:
    roi = (235, 236, 40, 30)
    assert place_on_sensor((30, 40), roi) == roi
    assert place_on_sensor((512, 512), roi) == (0, 0, 512, 512)
    assert place_on_sensor((30, 40), None) == (0, 0, 40, 30)


def test_axes_count_pixels_of_the_sensor(panel: CameraPanel, link: FakeLink) -> None:
    link.feed(camera__image=picture(), camera__acquiring=True)
    box = panel.image.mapRectToParent(panel.image.boundingRect())
    assert (box.x(), box.y(), box.width(), box.height()) == (235.0, 236.0, 40.0, 40.0)
    (left, right), (low, high) = panel.plot.box.viewRange()
    assert left <= 235.0
    assert right >= 275.0
    assert low <= 236.0
    assert high >= 276.0
    assert panel.badge.word == "live"


def test_the_placeholder_of_the_station_is_no_picture(panel: CameraPanel, link: FakeLink) -> None:
    link.feed(camera__image=np.zeros((1, 1), np.uint16))
    assert panel.badge.word == "none yet"
    assert panel.image.image is None


def test_levels_follow_slowly_and_hold_when_fixed(
    panel: CameraPanel, link: FakeLink, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    # The name in the panel, not the clock of everybody in this process.
    monkeypatch.setattr(camera, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    link.feed(camera__image=picture())
    first = panel.levels
    link.feed(camera__image=picture() + np.uint16(1000))
    assert panel.levels == first
    clock[0] += camera.LEVELS_S
    link.feed(camera__image=picture() + np.uint16(1000))
    assert panel.levels == pytest.approx((first[0] + 1000.0, first[1] + 1000.0))
    panel.fixed.click()
    black, white = panel.level_fields
    assert black.isVisible()
    white.selectAll()
    qtbot.keyClicks(white, "3000")
    qtbot.keyClick(white, Qt.Key.Key_Return)
    clock[0] += 10.0
    link.feed(camera__image=picture())
    assert panel.levels[1] == 3000.0
    assert tuple(panel.image.levels) == panel.levels
    black.selectAll()
    qtbot.keyClicks(black, "5000")
    qtbot.keyClick(black, Qt.Key.Key_Return)
    # Neither level moves the other one: what cannot be is refused, and says what to do.
    assert panel.levels[1] == 3000.0
    assert black.note == "Black stays below white (3000 ADU): raise white first"
    put(qtbot, white, "6000")
    qtbot.keyClick(black, Qt.Key.Key_Return)
    assert panel.levels == (5000.0, 6000.0)
    put(qtbot, white, "4000")
    assert white.note == "White stays above black (5000 ADU): lower black first"
    assert panel.levels == (5000.0, 6000.0)
    put(qtbot, black, "65535")
    assert panel.levels == (5000.0, 6000.0)
    panel.fixed.click()
    assert panel.levels == pytest.approx(first)


def test_losses_and_saturation_raise_an_alarm(panel: CameraPanel, link: FakeLink) -> None:
    link.feed(camera__frames=5000, camera__lost=5, camera__saturated=0.001)
    assert not panel.facts["lost"].is_wrong
    assert not panel.facts["saturated"].is_wrong
    link.feed(camera__lost=6, camera__saturated=0.0011)
    assert panel.facts["lost"].is_wrong
    assert panel.facts["lost"].text().startswith("■ Lost 6")
    assert panel.facts["saturated"].is_wrong
    assert "lower gain" in panel.facts["saturated"].toolTip()


def test_gain_temperature_and_exposure_are_said(panel: CameraPanel, link: FakeLink) -> None:
    assert panel.facts["gain"].text() == "Gain off"
    assert panel.facts["exposure"].text() == "Exposure 100 ms"
    link.feed(camera__gain=200, camera__stable=False, camera__temperature=-40.0)
    assert panel.facts["gain"].text() == "Gain 200"
    assert panel.facts["temperature"].is_wrong
    assert panel.facts["temperature"].text() == "■ CCD −40.0 °C, not settled"


def test_the_dose_of_the_register_is_said(panel: CameraPanel, link: FakeLink) -> None:
    assert panel.facts["dose"].text() == "Dose 0.42 nC"
    assert "1.28 µC ever" in panel.facts["dose"].toolTip()
    link.feed(camera__dose=12_345.0)
    assert panel.facts["dose"].text() == "Dose 12.3 µC"


@pytest.mark.parametrize(
    ("readings", "word", "tone"),
    [
        ({}, "idle", Tone.OFF),
        ({"camera__gain": 200}, "guarded", Tone.OK),
        ({"camera__stable": False}, "too warm", Tone.WARNING),
        ({"trap__isotope": 84}, "no gain on 84Kr", Tone.OFF),
        ({"camera__gain": Value(0, 3, "no answer")}, "unknown", Tone.STALE),
    ],
)
def test_the_register_as_word_and_shape(
    panel: CameraPanel, link: FakeLink, readings: dict[str, object], word: str, tone: Tone
) -> None:
    link.feed(**readings)
    assert (panel.register.word, panel.register.tone) == (word, tone)
    assert not panel.trip.isVisible()


def test_a_trip_of_the_protection_stands_out_with_its_reason(
    panel: CameraPanel, link: FakeLink
) -> None:
    link.feed(camera__trip="stray light: gain taken away, shutter closed")
    assert (panel.register.word, panel.register.tone) == ("TRIPPED", Tone.DANGER)
    assert panel.trip.isVisible()
    assert panel.trip.text() == (
        "Tripped: stray light: gain taken away, shutter closed. The next live view or segment "
        "sets the gain again."
    )
    link.feed(camera__trip="")
    assert not panel.trip.isVisible()


def test_without_a_picture_the_axes_have_no_numbers(panel: CameraPanel, link: FakeLink) -> None:
    axis = panel.plot.item.getAxis("bottom")
    assert not axis.style["showValues"]
    link.feed(camera__image=picture())
    assert axis.style["showValues"]


def test_a_lost_station_leaves_a_dim_picture(
    panel: CameraPanel, context: Context, link: FakeLink
) -> None:
    link.feed(camera__image=picture(), camera__acquiring=True)
    assert panel.image.opacity() == 1.0
    link.go(LinkState.LOST, "gone")
    context.readings.age("gone")
    assert panel.image.opacity() == camera.DIMMED
    assert panel.badge.tone is Tone.STALE
    assert panel.facts["frames"].property("stale")


def test_the_spot_is_marked_on_the_region_of_interest_only(
    panel: CameraPanel, link: FakeLink
) -> None:
    record = {"electrons_per_atom": 300.0, "zero_electrons": 20.0,
              "spot_row_px": 20.0, "spot_column_px": 18.0, "spot_sigma_px": 1.5}  # fmt: skip
    link.feed(camera__image=picture(), camera__counting=json.dumps(record))
    assert panel.spot.isVisible()
    middle = panel.spot.rect().center()
    assert (middle.x(), middle.y()) == (235 + 18.5, 236 + 20.5)
    link.feed(camera__image=picture((64, 64)))
    assert not panel.spot.isVisible()


def test_the_region_of_interest_is_outlined_in_pixels_of_the_sensor(
    panel: CameraPanel, link: FakeLink
) -> None:
    assert not panel.region.isVisible(), "nothing is outlined before a picture"
    for shape in ((40, 40), (512, 512)):
        link.feed(camera__image=picture(shape))
        assert panel.region.isVisible()
        assert panel.region.rect() == QRectF(235, 236, 40, 40)
        (left, right), (low, high) = panel.plot.box.viewRange()
        assert left < 235, "the outline has room beside the picture"
        assert right > 275
        assert min(low, high) < 236
        assert max(low, high) > 276


@pytest.mark.parametrize("level", [0, 65535])
def test_outlines_are_seen_on_any_value_of_a_pixel(level: int, qtbot: QtBot) -> None:
    outline = Outline()
    outline.show_ellipse(QRectF(10.0, 10.0, 40.0, 40.0))
    canvas = QImage(60, 60, QImage.Format.Format_RGB32)
    canvas.fill(QColor.fromRgbF(level / 65535, level / 65535, level / 65535))
    painter = QPainter(canvas)
    outline.paint(painter, QStyleOptionGraphicsItem())
    painter.end()
    seen = {canvas.pixelColor(x, y).lightness() for x in range(60) for y in range(60)}
    assert min(seen) == 0
    assert max(seen) == 255


def test_a_hidden_panel_draws_nothing(panel: CameraPanel, link: FakeLink, qtbot: QtBot) -> None:
    link.feed(camera__image=picture(seed=1))
    panel.hide()
    newest = picture(seed=2)
    link.feed(camera__image=newest)
    assert not np.array_equal(panel.image.image, newest)
    panel.show()
    qtbot.waitUntil(lambda: np.array_equal(panel.image.image, newest))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("view_85", {"on": True, "isotope": 85}), ("view_off", {"on": False})],
)
def test_watching_by_button(
    panel: CameraPanel, context: Context, link: FakeLink, qtbot: QtBot,
    name: str, arguments: dict[str, object],
) -> None:  # fmt: skip
    context.actions.refresh()
    button = panel.findChild(type(panel.fixed), f"camera.{name}")
    assert button.text() != "Stop", "the emergency button is called so"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (link.sent[-1].name, link.sent[-1].arguments) == ("camera_view", arguments)
