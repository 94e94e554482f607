"""A strip above a spectrum that names the hyperfine components where they stand as set."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from atta_daq.analysis.features import component_name
from atta_daq.archive.plot_style import INK, RULE, SOFT
from atta_daq.physics.hyperfine import closed_component, components

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_components(
    strip: "Axes", below: Sequence["Axes"], isotope: int, position_mhz: float
) -> None:
    """Sticks as high as the component's strength, labelled, over the axes `below`.

    `position_mhz` is where the closed component stands as set; the others keep their distance
    to it. Components outside the range of the axes are left out.
    """
    shift = position_mhz - closed_component(isotope).total_mhz
    low, high = below[0].get_xlim()
    shown = [c for c in components(isotope) if low <= c.total_mhz + shift <= high]
    strip.set_xlim(low, high)
    strip.set_ylim(0.0, 1.0)
    strip.axis("off")
    if not shown:
        return
    shown.sort(key=lambda c: c.total_mhz)
    x = np.array([c.total_mhz + shift for c in shown])
    strongest = max(c.strength for c in shown)
    labels = spread_out(x, gap=0.028 * (high - low), low=low, high=high)
    for component, at, label in zip(shown, x, labels, strict=True):
        height = 0.34 * component.strength / strongest
        strip.plot([at, at], [0.0, height], color=INK, linewidth=1.6, solid_capstyle="butt")
        strip.plot([at, at, label], [height, 0.38, 0.50], color=RULE, linewidth=0.7, zorder=0)
        strip.text(
            label, 0.53, component_name(component), rotation=90, ha="center", va="bottom",
            fontsize=7.5, color=INK,
        )  # fmt: skip
        for axes in below:
            axes.axvline(at, color=RULE, linewidth=0.8, zorder=0)
    strip.axhline(0.0, color=SOFT, linewidth=0.5)
    if len(shown) > 1:
        strip.text(
            -0.012, 0.17, "components\nF-F′", transform=strip.transAxes, ha="right", va="center",
            fontsize=7.5, color=SOFT,
        )  # fmt: skip


def spread_out(x: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Places for labels as near to ascending `x` as may be, at least `gap` apart.

    Neighbours that would overlap are merged into a cluster centred on their mean.
    """
    clusters = [[i] for i in range(len(x))]
    centres = [float(v) for v in x]

    def reach(k: int) -> float:
        return 0.5 * gap * len(clusters[k])

    merged = True
    while merged:
        merged = False
        for k in range(len(clusters) - 1):
            if centres[k] + reach(k) > centres[k + 1] - reach(k + 1):
                clusters[k] += clusters.pop(k + 1)
                centres.pop(k + 1)
                half = 0.5 * gap * len(clusters[k])
                centre = float(np.mean(x[clusters[k]]))
                centres[k] = min(max(centre, low + half), high - half)
                merged = True
                break
    places = np.empty(len(x))
    for cluster, centre in zip(clusters, centres, strict=True):
        offsets = (np.arange(len(cluster)) - 0.5 * (len(cluster) - 1)) * gap
        places[cluster] = centre + offsets
    return places
