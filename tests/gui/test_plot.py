"""The plot that panels share."""

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.context import Context
from gui.widgets.plot import ThemedPlot, themed_plot


def shown(context: Context, qtbot: QtBot) -> ThemedPlot:
    plot = themed_plot(context, "a plot", "Detuning", "Rate", x_unit="MHz", y_unit="1/h")
    qtbot.addWidget(plot)
    plot.resize(320, 240)
    plot.show_range((0.0, 10.0), (0.0, 1.0))
    plot.show()
    qtbot.waitExposed(plot)
    return plot


def turn_wheel(
    plot: ThemedPlot, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    middle = QPointF(plot.rect().center())
    event = QWheelEvent(
        middle, QPointF(plot.mapToGlobal(middle.toPoint())), QPoint(), QPoint(0, 120),
        Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(plot.viewport(), event)


def x_range(plot: ThemedPlot) -> list[float]:
    return plot.box.viewRange()[0]


def test_wheel_over_an_unfocused_plot_changes_nothing(context: Context, qtbot: QtBot) -> None:
    plot = shown(context, qtbot)
    plot.clearFocus()
    turn_wheel(plot)
    assert x_range(plot) == [0.0, 10.0]
    turn_wheel(plot, Qt.KeyboardModifier.ControlModifier)
    assert x_range(plot) != [0.0, 10.0]


def test_zoom_stays_until_home(context: Context, qtbot: QtBot) -> None:
    plot = shown(context, qtbot)
    qtbot.keyClick(plot, Qt.Key.Key_Plus)
    zoomed = x_range(plot)
    assert zoomed[0] > 0.0
    assert zoomed[1] < 10.0
    plot.show_range((0.0, 20.0))
    assert x_range(plot) == zoomed
    qtbot.keyClick(plot, Qt.Key.Key_Home)
    assert x_range(plot) == [0.0, 20.0]


def test_arrows_pan(context: Context, qtbot: QtBot) -> None:
    plot = shown(context, qtbot)
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    assert x_range(plot) == [1.0, 11.0]


def test_colours_follow_the_palette(context: Context, qtbot: QtBot) -> None:
    plot = shown(context, qtbot)
    seen: list[str] = []
    plot.on_restyle(lambda: seen.append(context.theme.palette.name))
    for name in ("light", "dark"):
        context.theme.choose(name)
        assert plot.backgroundBrush().color().name() == context.theme.palette.surface
    assert seen == ["dark", "light", "dark"]


def test_axes_say_their_units(context: Context, qtbot: QtBot) -> None:
    plot = shown(context, qtbot)
    assert plot.item.getAxis("bottom").labelText == "Detuning (MHz)"
    assert plot.item.getAxis("left").labelText == "Rate (1/h)"
    assert plot.accessibleName() == "a plot"


def test_a_plot_too_small_for_labels_says_its_units_in_the_corners(
    qtbot: QtBot, context: Context
) -> None:
    plot = themed_plot(context, "a plot", "Time", "Rate", x_unit="s ago", y_unit="1/s")
    qtbot.addWidget(plot)
    plot.resize(200, 80)
    plot.show()
    corners = plot._corners
    assert {side: corner.text() for side, corner in corners.items()} == {
        "bottom": "s ago", "left": "1/s",
    }  # fmt: skip
    assert all(corner.isVisible() for corner in corners.values())
    plot.resize(400, 400)
    assert not any(corner.isVisible() for corner in corners.values())


def test_axes_write_a_true_minus(context: Context) -> None:
    plot = themed_plot(context, "a plot")
    axis = plot.item.getAxis("left")
    assert axis.tickStrings([-5.0, 0.0, 5.0], 1.0, 5.0) == ["−5", "0", "5"]
