"""The small plots of the panels say what the data are, at any text size."""

import pytest

from gui.panels.small_plot import SmallPlot
from gui.theme.theme import Theme


@pytest.mark.parametrize("reach", [1e-3, 0.3, 5.0, 2e4])
def test_no_change_of_text_or_palette_scales_the_numbers(qapp: object, reach: float) -> None:
    theme = Theme()
    plot = SmallPlot(theme, "trace", "detuning / MHz", "V")
    plot.show()
    plot.show_range((-reach, reach), (-reach, reach))
    theme.choose("light", 14)
    plot.show_range((-2.0 * reach, 2.0 * reach), (-2.0 * reach, 2.0 * reach))
    item = plot.getPlotItem()
    assert item is not None
    for side in ("left", "bottom"):
        axis = item.getAxis(side)
        assert axis.autoSIPrefixScale == 1.0
        (label,) = axis.tickStrings([reach], axis.scale * axis.autoSIPrefixScale, reach)
        assert float(label) == pytest.approx(reach)
    theme.choose("dark", 10)
    plot.close()
    plot.deleteLater()
