"""The layers of the picture: points, fit, theory, residuals, earlier runs."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg

from gui.sweep.heading import Entry
from gui.sweep.items import BAR_Z, OVERLAY_Z, CurveItems, LevelItem, PointItems, soft
from gui.sweep.picture import Picture, Points
from gui.theme.palettes import Palette

ON, OFF, RESIDUAL = "o", "s", "o"
EARLIER = ("t", "d", "p", "t1", "h", "star")
"""Symbols of the earlier runs: six, as colours alone would not do."""
MAX_EARLIER = len(EARLIER)


def level_colours(palette: Palette) -> tuple[str, ...]:
    """Colours of the values of a second swept quantity."""
    series = palette.series
    return (series[0], series[4], series[5], series[6])


def earlier_colour(palette: Palette, number: int) -> str:
    return palette.series[3 + number % 4]


class Layers:
    """Items of one picture in its two plots."""

    def __init__(self, main: pg.PlotItem, below: pg.PlotItem, palette: Palette) -> None:
        self._main = main
        self.palette = palette
        self.on = PointItems(main, ON, 9)
        self.off = PointItems(main, OFF, 9)
        self.fit = CurveItems(main)
        self.theory = CurveItems(main)
        self.reference = LevelItem()
        self.bars = pg.BarGraphItem(x=[], height=[], width=0.7)
        self.bars.setZValue(BAR_Z)
        self.residual = PointItems(below, RESIDUAL, 7)
        self.one_sigma = LevelItem()
        self._earlier: list[tuple[PointItems, CurveItems]] = []
        for plot, item in (
            (main, self.reference), (main, self.bars), (below, self.one_sigma)
        ):  # fmt: skip
            plot.addItem(item, ignoreBounds=True)
        self.restyle(palette)

    def restyle(self, palette: Palette) -> None:
        """Colours of a palette; draw again afterwards."""
        self.palette = palette
        ink, blue = palette.series[:2]
        self.on.restyle(ink)
        self.off.restyle(palette.muted)
        self.residual.restyle(ink)
        self.fit.restyle(blue)
        self.theory.restyle(ink, dashed=True)
        self.reference.restyle(palette.muted)
        self.one_sigma.restyle(blue)

    def draw(self, picture: Picture, *, theory: bool) -> None:
        """Draw a picture, with or without the theory."""
        points, palette = picture.points, self.palette
        colours = level_colours(palette)
        by_level = [colours[level] for level in points.level]
        self._draw(self.on, points, points.pumped, by_level)
        self._draw(self.off, points, ~points.pumped, [palette.muted] * len(by_level))
        self.fit.draw(picture.fit)
        self.theory.draw(picture.theory if theory else None)
        self.reference.draw(picture.reference)
        self._draw_bars(picture)
        known = np.isfinite(picture.residual)
        self.residual.draw(
            points.x[known],
            picture.residual[known],
            np.ones(known.sum()),
            [colours[0]] * int(known.sum()),
            points.provisional[known],
            palette.surface,
        )

    def draw_earlier(self, pictures: Sequence[Picture]) -> None:
        """Earlier runs behind the present one, at most `MAX_EARLIER`."""
        while len(self._earlier) < len(pictures):
            symbol = EARLIER[len(self._earlier)]
            self._earlier.append(
                (
                    PointItems(self._main, symbol, 8, OVERLAY_Z),
                    CurveItems(self._main, OVERLAY_Z - 1),
                )
            )
        for number, (points, curve) in enumerate(self._earlier):
            if number >= len(pictures):
                points.clear()
                curve.draw(None)
                continue
            picture, colour = pictures[number], earlier_colour(self.palette, number)
            points.restyle(colour)
            curve.restyle(colour, band_alpha=0)
            drawn = picture.points
            shown = drawn.pumped | picture.is_on_off
            self._draw(points, drawn, shown, [colour] * drawn.x.size, hollow=~drawn.pumped)
            curve.draw(picture.fit)

    def entries(self, picture: Picture, fit_text: str, *, theory: bool) -> list[Entry]:
        """The key to what is drawn."""
        palette, points = self.palette, picture.points
        ink, blue = palette.series[:2]
        found = []
        if picture.levels:
            found += [
                Entry(ON, colour, name)
                for name, colour in zip(picture.levels, level_colours(palette), strict=False)
            ]
        elif points.pumped.any():
            found.append(Entry(ON, ink, "light on"))
        if not points.pumped.all() or picture.reference is not None:
            symbol = OFF if not points.pumped.all() else "band"
            words = "light blocked" if symbol == OFF else "light blocked, mean with 1σ"
            found.append(Entry(symbol, palette.muted, words))
        if points.provisional.any():
            found.append(Entry("hollow", ink, "provisional"))
        if picture.fit is not None:
            found.append(Entry("line", blue, fit_text))
        if theory and picture.theory is not None:
            scale = f", {picture.theory_scale}" if picture.theory_scale else ""
            found.append(Entry("dash", ink, f"theory{scale}"))
        return found

    def earlier_entries(self, names: Sequence[str]) -> list[Entry]:
        return [
            Entry(EARLIER[i], earlier_colour(self.palette, i), name) for i, name in enumerate(names)
        ]

    def _draw(
        self, items: PointItems, points: Points, chosen: np.ndarray, colours: list[str],
        hollow: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        hollow = points.provisional if hollow is None else hollow
        items.draw(
            points.x[chosen],
            points.y[chosen],
            points.error[chosen],
            [colour for colour, c in zip(colours, chosen, strict=True) if c],
            hollow[chosen],
            self.palette.surface,
        )

    def _draw_bars(self, picture: Picture) -> None:
        heights = [bar.value for bar in picture.bars]
        self.bars.setVisible(bool(heights))
        if heights:
            brushes = [soft(self.palette.muted, 70), soft(self.palette.series[1], 90)]
            self.bars.setOpts(x=[0.0, 1.0], height=heights, brushes=brushes, pen=pg.mkPen(None))
