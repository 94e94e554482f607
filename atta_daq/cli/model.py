"""`atta-daq model`: numbers and figures of the pumping model, without any rig."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from atta_daq.physics import plots
from atta_daq.physics.beam import mean_intensity_w_m2
from atta_daq.physics.doppler import DopplerDistribution
from atta_daq.physics.hyperfine import closed_component, components
from atta_daq.physics.krypton import isotope as isotope_data
from atta_daq.physics.scaling import TOLERANCE_MHZ, scaled_components, shift_constants
from atta_daq.physics.sidebands import Sidebands
from atta_daq.physics.spectrum import PumpingSpectrum
from atta_daq.physics.transfer import TABLE_INTENSITY_W_M2, transfer_table

app = typer.Typer(no_args_is_help=True, help="The pumping model: efficiencies, lines, spectra.")

JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
_WAIST_MM = {"co": 7.5, "counter": 16.0}


class Geometry(StrEnum):
    """Direction of the 819-nm light: along or against the atomic beam."""

    CO = "co"
    COUNTER = "counter"


class Model(StrEnum):
    """Pumping models."""

    F_LEVEL = "f-level"
    ZEEMAN = "zeeman"
    FIVE_LEVEL = "five-level"


def _known(isotope: int) -> int:
    try:
        isotope_data(isotope)
    except KeyError as error:
        raise typer.BadParameter(str(error.args[0])) from None
    return isotope


def _odd(isotope: int) -> int:
    if isotope_data(_known(isotope)).nuclear_spin == 0.0:
        raise typer.BadParameter(f"{isotope}Kr has no hyperfine structure; use 81, 83 or 85")
    return isotope


def _saved(figure, file: Path) -> None:
    try:
        figure.savefig(file, dpi=160)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"cannot write the figure {file}: {error}") from None
    typer.echo(f"wrote {file}", err=True)


@app.command()
def efficiency(
    intensity_w_m2: Annotated[
        float, typer.Option(min=0.0, help="Intensity of the finite column, W/m2.")
    ] = TABLE_INTENSITY_W_M2,
    as_json: JsonOption = False,
) -> None:
    """Transfer efficiencies of all pumping transitions of 84Kr (Table 3)."""
    rows = transfer_table(intensity_w_m2)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows]))
        return
    table = Table("lower", "upper", title="share of the atoms that end in 1s5, on resonance")
    for heading in ("vacuum nm", f"{intensity_w_m2:g} W/m²", "infinite power"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row.lower,
            row.upper,
            f"{row.wavelength_nm:.2f}",
            f"{row.efficiency:.3f}",
            f"{row.efficiency_infinite:.3f}",
        )
    Console().print(table)


@app.command("components")
def list_components(
    isotope: Annotated[int, typer.Option(callback=_odd, help="81, 83 or 85.")],
    as_json: JsonOption = False,
) -> None:
    """Hyperfine components of the 819-nm line, with a cross-check by scaling (Eqs. 5-7)."""
    found = components(isotope)
    if as_json:
        typer.echo(json.dumps([asdict(c) for c in found]))
        return
    table = Table("F", "F'", title=f"819-nm line of {isotope}Kr (MHz, from the 84Kr line)")
    for heading in ("hyperfine", "total", "strength", "scaled 1s4", "scaled 1s4, 2p6"):
        table.add_column(heading, justify="right")
    scaled = scaled_components(isotope)
    for c, s in zip(found, scaled, strict=True):
        table.add_row(
            f"{2 * c.f_lower:.0f}/2",
            f"{2 * c.f_upper:.0f}/2",
            f"{c.shift_mhz:.1f}",
            f"{c.total_mhz:.1f}",
            f"{c.strength:.4f}",
            f"{s.lower_scaled_mhz - s.tabulated_mhz:+.2f}",
            f"{s.both_scaled_mhz - s.tabulated_mhz:+.2f}",
        )
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    console.print(
        "scaled: hyperfine shift with the constants of 83Kr scaled by nuclear moments "
        "(Eqs. 5, 6; Stone 2005), less the tabulated one."
    )
    worst = max(abs(s.both_scaled_mhz - s.tabulated_mhz) for s in scaled)
    known = isotope_data(isotope).isotope_shift_mhz
    others = [number for number in (81, 83, 85) if number != isotope]
    predicted = shift_constants(*others).shift_mhz(isotope)
    console.print(
        f"isotope shift {known:+.1f} MHz; from {others[0]}Kr and {others[1]}Kr by mass and charge "
        f"radius (Eq. 7) {predicted:+.1f} MHz."
    )
    agree = max(worst, abs(predicted - known)) <= TOLERANCE_MHZ
    console.print(
        f"cross-check {'passed' if agree else 'FAILED'}: largest differences {worst:.1f} MHz "
        f"(hyperfine) and {abs(predicted - known):.1f} MHz (isotope), tolerance "
        f"{TOLERANCE_MHZ:.0f} MHz."
    )


@app.command()
def spectrum(
    isotope: Annotated[int, typer.Option(callback=_known, help="81, 83, 84 or 85.")],
    geometry: Annotated[Geometry, typer.Option(help="819-nm light along or against the beam.")],
    power_mw: Annotated[float, typer.Option(min=0.0, help="At the source.")],
    plot: Annotated[Path | None, typer.Option(help="Write a figure (png, pdf, svg).")] = None,
    model: Annotated[Model, typer.Option(help="Pumping model.")] = Model.F_LEVEL,
    rabi_scale: Annotated[float, typer.Option(min=0.0, help="Factor on Eq. 3.")] = 4.0,
    supply_ratio: Annotated[float, typer.Option(min=0.0, help="Supply of 1s4 over 1s5.")] = 10.2,
    sideband_mhz: Annotated[float, typer.Option(min=0.0, help="EOM frequency.")] = 230.0,
    sideband_depth: Annotated[float, typer.Option(min=0.0, help="EOM beta; 0 is off.")] = 0.0,
    waist_mm: Annotated[
        float | None, typer.Option(help="1/e2 radius; 7.5 (co) or 16 (counter) unless given.")
    ] = None,
    tube_mm: Annotated[float, typer.Option(help="Inner diameter of the source tube.")] = 9.0,
    temperature_k: Annotated[float, typer.Option(help="Of the source.")] = 293.0,
    selection_exponent: Annotated[
        float | None, typer.Option(help="Cooling selects slow atoms: 1.0 even, 1.3 odd.")
    ] = None,
    capture_velocity: Annotated[float, typer.Option(help="Fastest captured atoms, m/s.")] = 350.0,
    start_mhz: Annotated[float | None, typer.Option(help="First detuning.")] = None,
    stop_mhz: Annotated[float | None, typer.Option(help="Last detuning.")] = None,
    step_mhz: Annotated[float, typer.Option(min=0.1, help="Distance of the points.")] = 5.0,
    as_json: JsonOption = False,
) -> None:
    """Pumping spectrum of one isotope as the rig would see it."""
    try:
        doppler = DopplerDistribution.effusive_beam(
            isotope, temperature_k, selection_exponent, capture_velocity
        )
        intensity = mean_intensity_w_m2(power_mw, waist_mm or _WAIST_MM[geometry], tube_mm)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    found = components(isotope)
    shift = doppler.mode_mhz if geometry is Geometry.CO else -doppler.mode_mhz
    edges = [c.total_mhz + shift for c in found]
    start = start_mhz if start_mhz is not None else 50.0 * round((min(edges) - 300.0) / 50.0)
    stop = stop_mhz if stop_mhz is not None else 50.0 * round((max(edges) + 300.0) / 50.0)
    if stop <= start:
        raise typer.BadParameter(f"--stop-mhz {stop:g} must lie above --start-mhz {start:g}")
    detuning = np.arange(start, stop + 0.5 * step_mhz, step_mhz)
    sidebands = Sidebands(sideband_mhz, sideband_depth) if sideband_depth > 0.0 else None
    calculation = PumpingSpectrum(isotope, model.value)

    def at(points):
        return calculation.efficiency(
            points,
            intensity_w_m2=intensity,
            rabi_scale=rabi_scale,
            doppler=doppler,
            geometry=geometry.value,
            sidebands=sidebands,
        )

    eta = at(detuning)
    increase = supply_ratio * eta
    light = f"{power_mw:g} mW {geometry.value}-propagating, {intensity:.0f} W/m²"
    if plot is not None:
        title = f"{isotope}Kr, {light}, Rabi scale {rabi_scale:g}, {model.value} model"
        _saved(plots.spectrum_figure(detuning, increase, found, shift, title), plot)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "isotope": isotope,
                    "model": model.value,
                    "geometry": geometry.value,
                    "power_mw": power_mw,
                    "intensity_w_m2": intensity,
                    "rabi_scale": rabi_scale,
                    "supply_ratio": supply_ratio,
                    "sideband_mhz": sideband_mhz if sidebands else 0.0,
                    "sideband_depth": sideband_depth,
                    "doppler_mode_mhz": doppler.mode_mhz,
                    "doppler_rms_mhz": doppler.rms_mhz,
                    "closed_line_as_set_mhz": closed_component(isotope).total_mhz + shift,
                    "detuning_mhz": detuning.tolist(),
                    "efficiency": eta.tolist(),
                    "increase": increase.tolist(),
                }
            )
        )
        return
    table = Table("component", title=f"{isotope}Kr, {light}, {model.value} model")
    for heading in ("at rest MHz", "as set MHz", "efficiency", "increase %"):
        table.add_column(heading, justify="right")
    for c, edge, value in zip(found, edges, at(np.array(edges)), strict=True):
        odd = len(found) > 1
        name = f"{2 * c.f_lower:.0f}/2 - {2 * c.f_upper:.0f}/2" if odd else "1s4 - 2p6"
        table.add_row(
            name,
            f"{c.total_mhz:.1f}",
            f"{edge:.1f}",
            f"{value:.4f}",
            f"{100.0 * supply_ratio * value:.1f}",
        )
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    best = int(np.argmax(eta))
    console.print(
        f"Doppler shift {doppler.mode_mhz:.0f} MHz most probable, {doppler.rms_mhz:.0f} MHz rms. "
        f"Highest at {detuning[best]:.0f} MHz as set: efficiency {eta[best]:.4f}, "
        f"increase {100.0 * increase[best]:.1f} %."
    )


@app.command()
def levels(
    plot: Annotated[Path, typer.Option(help="File of the figure (png, pdf, svg).")],
    intensity_w_m2: Annotated[
        float, typer.Option(min=0.0, help="Intensity of the finite efficiencies, W/m2.")
    ] = TABLE_INTENSITY_W_M2,
) -> None:
    """Level scheme with the pumping transitions and their efficiencies (Fig. 7)."""
    _saved(plots.level_scheme(intensity_w_m2), plot)
