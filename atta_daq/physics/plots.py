"""Figures of the pumping model. matplotlib is imported when the first figure is drawn."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from atta_daq.physics.hyperfine import Component
from atta_daq.physics.krypton import METASTABLE, Level, level, line, lines
from atta_daq.physics.transfer import LOWER_LEVELS, TABLE_INTENSITY_W_M2, transfer_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK = "#222222"
_SOFT = "#8a8f98"
_DECAY = "#3b6ea5"
_UPPER_Y = {
    name: 6.2 + 0.52 * n
    for n, name in enumerate(
        ("2p10", "2p9", "2p8", "2p7", "2p6", "2p5", "2p4", "2p3", "2p2", "2p1")
    )
}
_LOWER_Y = {"1s5": 1.55, "1s4": 1.95, "1s3": 2.75, "1s2": 3.1}
_COLUMN = {"1s5": (0.0, 7.4), "1s4": (8.2, 15.2), "1s3": (16.0, 20.0), "1s2": (20.8, 27.8)}
_GROUND_Y = 0.1
_RIGHT = 28.2


def level_scheme(intensity_w_m2: float = TABLE_INTENSITY_W_M2) -> "Figure":
    """Level scheme with all pumping transitions of Table 3 (the paper's Fig. 7).

    Levels by rising energy, not to scale; arrows up are pumping transitions with wavelength and
    transfer efficiency at this intensity and at infinite power, arrows down decays.
    """
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.5, 9.0), layout="constrained")
    axes = figure.add_subplot()
    shades = ListedColormap(colormaps["plasma_r"](np.linspace(0.18, 0.92, 256)))
    scale = LogNorm(1e-3, 1.0)
    _draw_levels(axes)
    _draw_decays(axes)
    table = transfer_table(intensity_w_m2)
    for lower in LOWER_LEVELS:
        rows = [row for row in table if row.lower == lower]
        for place, row in enumerate(rows):
            x = _COLUMN[lower][0] + 0.5 + place
            color = shades(scale(max(row.efficiency_infinite, 1e-3)))
            best = row.efficiency == max(r.efficiency for r in rows)
            _arrow(axes, x, _LOWER_Y[lower], _UPPER_Y[row.upper], color, 2.6 if best else 1.3)
            text = (
                f"{row.wavelength_nm:.2f} nm   {row.efficiency:.3f} / {row.efficiency_infinite:.3f}"
            )
            _beside(axes, x, 3.4, text, _INK, "bold" if best else "normal")
    axes.set_xlim(-0.6, 33.9)
    axes.set_ylim(-0.45, 11.5)
    axes.axis("off")
    axes.set_title(
        "Krypton levels and 1s–2p pumping transitions: wavelength (vacuum), share of the atoms "
        f"transferred to 1s5\nat {intensity_w_m2 / 1000:.3g} kW/m² / at infinite power "
        "(bold: best of each lower level)",
        fontsize=11,
        color=_INK,
    )
    bar = figure.colorbar(
        ScalarMappable(scale, shades), ax=axes, fraction=0.02, pad=0.01, aspect=45
    )
    bar.set_ticks([1.0, 0.1, 0.01, 0.001], labels=["1", "0.1", "0.01", "≤ 0.001"])
    bar.set_label("transfer efficiency at infinite power", fontsize=9)
    axes.text(
        0.0,
        0.35,
        "solid: pumping transitions\ndashed: spontaneous decay\nlevels in order, not to scale",
        fontsize=9,
        color=_INK,
        va="center",
        linespacing=1.5,
    )
    return figure


def _name(entry: Level) -> str:
    """Racah term with parity and J, as 5s²[3/2]°₂ is written in mathtext."""
    term = entry.term.rstrip("*")
    odd = r"^{\,\mathrm{o}}" if entry.term.endswith("*") else ""
    orbital = entry.configuration.rsplit(".", 1)[-1]
    prime = "'" if "<1/2>" in entry.configuration else ""
    return rf"${orbital}{prime}\;\,{{}}^{{{term[0]}}}{term[1:]}{odd}_{{{entry.j}}}$"


def _draw_levels(axes: "Axes") -> None:
    for name, y in _UPPER_Y.items():
        entry = level(name)
        axes.plot([-0.4, _RIGHT], [y, y], color=_SOFT, lw=0.9, zorder=1)
        axes.text(_RIGHT + 0.25, y, name, va="center", fontsize=9.5, color=_INK, weight="bold")
        text = f"{_name(entry)}   {entry.energy_cm:.1f}"
        axes.text(_RIGHT + 1.95, y, text, va="center", fontsize=8.5, color=_INK)
    axes.text(
        _RIGHT + 0.25,
        _UPPER_Y["2p1"] + 0.5,
        "Paschen, Racah, energy (cm⁻¹)",
        fontsize=8.5,
        color=_SOFT,
    )
    for name, y in _LOWER_Y.items():
        entry, (left, right) = level(name), _COLUMN[name]
        axes.plot([left, right], [y, y], color=_INK, lw=2.2, zorder=2, solid_capstyle="butt")
        text = f"{_name(entry)}   {entry.energy_cm:.1f}"
        middle = 0.5 * (left + right)
        axes.text(
            middle, y - 0.13, name, ha="center", va="top", fontsize=11, color=_INK, weight="bold"
        )
        axes.text(middle, y - 0.45, text, ha="center", va="top", fontsize=8.5, color=_INK)
    axes.plot([8.2, 27.8], [_GROUND_Y, _GROUND_Y], color=_INK, lw=2.2, solid_capstyle="butt")
    axes.text(
        18.0,
        _GROUND_Y - 0.13,
        r"ground level  $4p^6\;\,{}^1S_0$",
        ha="center",
        va="top",
        fontsize=9.5,
    )


def _draw_decays(axes: "Axes") -> None:
    feeding = sorted(
        (e for e in lines() if e.lower == METASTABLE), key=lambda e: level(e.upper).energy_cm
    )
    left, right = _COLUMN[METASTABLE]
    for place, entry in enumerate(feeding):
        x = left + 0.45 + place * (right - left - 0.9) / (len(feeding) - 1)
        cycling = entry.upper == "2p9"
        color = _SOFT if cycling else _DECAY
        _arrow(axes, x, _UPPER_Y[entry.upper], _LOWER_Y[METASTABLE], color, 1.2, dashed=True)
        if cycling:
            axes.annotate(
                "",
                (x, _UPPER_Y[entry.upper]),
                (x, _UPPER_Y[entry.upper] - 0.4),
                arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.2},
            )
        text = f"{entry.wavelength_nm:.2f} nm" + ("   laser cooling" if cycling else "")
        _beside(axes, x, 3.4, text, color, "normal")
    for name in ("1s4", "1s2"):
        x = _COLUMN[name][1] - 0.7
        _arrow(axes, x, _LOWER_Y[name], _GROUND_Y, _DECAY, 1.2, dashed=True)
        wavelength = line("gs", name).wavelength_nm
        axes.text(
            x - 0.2,
            0.62,
            f"{wavelength:.1f} nm",
            ha="right",
            va="center",
            fontsize=8.5,
            color=_DECAY,
        )


def _arrow(
    axes: "Axes",
    x: float,
    start: float,
    end: float,
    color: object,
    width: float,
    dashed: bool = False,
) -> None:
    axes.annotate(
        "",
        (x, end),
        (x, start),
        arrowprops={
            "arrowstyle": "-|>",
            "color": color,
            "lw": width,
            "ls": (0, (4, 2.5)) if dashed else "-",
            "shrinkA": 0.0,
            "shrinkB": 0.0,
            "mutation_scale": 11,
        },
        zorder=3,
    )


def _beside(axes: "Axes", x: float, y: float, text: str, color: str, weight: str) -> None:
    axes.text(
        x + 0.14,
        y,
        text,
        rotation=90,
        ha="left",
        va="bottom",
        fontsize=8.5,
        color=color,
        weight=weight,
    )


def spectrum_figure(
    detuning_mhz: NDArray[np.float64],
    increase: NDArray[np.float64],
    found: tuple[Component, ...],
    shift_mhz: float,
    title: str,
) -> "Figure":
    """Rate increase against detuning as set, with the components where they appear.

    `increase` is rate with over without pumping, less 1; `shift_mhz` is what the most probable
    Doppler shift adds to positions as set.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 5.0), layout="constrained")
    axes = figure.add_subplot()
    top = 100.0 * float(np.max(increase))
    axes.plot(detuning_mhz, 100.0 * increase, color=_DECAY, lw=1.8)
    strongest = max(c.strength for c in found)
    span = float(detuning_mhz[-1] - detuning_mhz[0])
    marks = sorted(((c.total_mhz + shift_mhz, c) for c in found), key=lambda mark: mark[0])
    groups: list[list[tuple[float, Component]]] = []
    for x, c in marks:
        if not detuning_mhz[0] <= x <= detuning_mhz[-1]:
            continue
        height = 0.22 * top * c.strength / strongest
        axes.vlines(x, 0.0, height, color=_SOFT, lw=2.0)
        # Labels of lines too close to tell apart share one place.
        if groups and x - groups[-1][-1][0] < 0.02 * span:
            groups[-1].append((x, c))
        else:
            groups.append([(x, c)])
    for group in groups:
        label = "\n".join(f"{2 * c.f_lower:.0f}/2–{2 * c.f_upper:.0f}/2" for _, c in group)
        axes.annotate(
            label if len(found) > 1 else "",
            (
                float(np.mean([x for x, _ in group])),
                0.22 * top * max(c.strength for _, c in group) / strongest,
            ),
            (0, 3),
            textcoords="offset points",
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=8,
            color=_INK,
        )
    axes.set_ylim(0.0, 1.1 * top if top > 0.0 else 1.0)
    axes.set_xlim(float(detuning_mhz[0]), float(detuning_mhz[-1]))
    axes.set_xlabel("detuning as set, from the 84Kr line (MHz)")
    axes.set_ylabel("increase of the loading rate (%)")
    axes.set_title(title, fontsize=10)
    axes.grid(color="#e4e6ea", lw=0.6)
    axes.set_axisbelow(True)
    return figure
