"""What a scan should show if the rig file is right: its increases, and the segments they give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.analysis.spectrum_model import Light, SpectrumModel
from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.config import RigConfig
from atta_daq.rig.light import LightControl, ResolvedTarget
from atta_daq.scans.blocks import Block, PlannedSegment, segment_duration_s
from atta_daq.scans.definition import Part, ScanDefinition
from atta_daq.scans.selection import number_of_points
from atta_daq.station.fitting import FitRequest, fit_options
from atta_daq.station.precheck import axis_of

FloatArray = NDArray[np.float64]

SUPPLY_RATIO = 10.2
"""Supply of 1s4 over that of 1s5: what the paper's increases on 84Kr and 83Kr ask for."""


@dataclass(frozen=True)
class CountingRate:
    """How fast a rare isotope is counted without pumping light."""

    per_h: float
    efficiency: float
    source: str
    """'run <id>' or 'the rig file'."""


def expected_increase(
    part: Part, targets: Sequence[ResolvedTarget], request: FitRequest, light: LightControl
) -> FloatArray:
    """Relative increase of the part's isotope at these settings, shape (n,).

    Positions, widths and Rabi scale are the rig file's; the height follows from the supply ratio.
    """
    config = request.config
    assert config is not None
    options = fit_options(part, request, minos=False)
    model = SpectrumModel(
        part.isotope,
        _light(targets, options),
        options.geometry,
        pumping_model=options.pumping_model,
        doppler=options.doppler,
    )
    doppler = config.calibrations.doppler
    rms = doppler.even_rms_mhz if part.isotope % 2 == 0 else doppler.odd_rms_mhz
    position = light.line_as_set_mhz(part.isotope, None)
    values = np.array([1.0, position, config.calibrations.pumping.rabi_scale, rms])
    values[0] = SUPPLY_RATIO / model.supply_ratio(values)
    return model.increase(values)


def expected_segments(
    request: FitRequest,
    plan: Sequence[Block],
    light: LightControl,
    counting: Callable[[int], CountingRate | None],
) -> list[Segment]:
    """The segments of a run that goes as the rig file says, without noise.

    Loading rates are in units of their value without pumping light. Isotopes whose counting rate
    is not known are left out.
    """
    definition, config = request.definition, request.config
    assert config is not None
    timing = config.scan_timing()
    increase = _increases(definition, plan, request, light)
    rates = {part.isotope: counting(part.isotope) for part in definition.parts}
    error = config.calibrations.rates.loading_relative_error
    segments: list[Segment] = []
    now_s = 0.0
    for block in plan:
        # The closing bracket of one block is the opening bracket of the next.
        for planned in block.segments[1 if block.index else 0 :]:
            start_s, now_s = now_s, now_s + segment_duration_s(planned, timing)
            relative = 1.0 + increase.get((planned.isotope, planned.point, planned.pumping), 0.0)
            values: dict[str, float | int | None]
            if planned.kind in (SegmentKind.RARE, SegmentKind.BLANK):
                rate = rates.get(planned.isotope)
                if rate is None and planned.kind is SegmentKind.RARE:
                    continue
                per_h = 0.0 if rate is None else rate.per_h * rate.efficiency * relative
                live_s = planned.dwell_s or 0.0
                values = {
                    "counts": round(per_h * live_s / 3600.0),
                    "efficiency": rate.efficiency if rate else None,
                }
            else:
                live_s = now_s - start_s
                bursts = planned.bursts or timing.bursts
                values = {"rate": relative, "rate_error": relative * error, "exposures": bursts}
            segments.append(
                Segment(
                    run_id="expected",
                    block=block.index,
                    attempt=0,
                    index=len(segments),
                    kind=planned.kind,
                    isotope=planned.isotope,
                    pumping=planned.pumping,
                    point=planned.point,
                    bracket=planned.bracket,
                    setting=_setting(planned, light),
                    start_rig_s=start_s,
                    end_rig_s=now_s,
                    live_s=live_s,
                    **values,  # type: ignore[arg-type]
                )
            )
    return segments


def _increases(
    definition: ScanDefinition, plan: Sequence[Block], request: FitRequest, light: LightControl
) -> dict[tuple[int, int | None, bool], float]:
    """Increase by isotope, point and pumping, for the points with pumping light."""
    found: dict[tuple[int, int | None, bool], float] = {}
    first = 0
    for part in definition.parts:
        last = first + number_of_points(part)
        pumped = {
            s.point: light.resolve(s.target, part.isotope)
            for block in plan
            for s in block.segments
            if s.pumping and s.point is not None and first <= s.point < last
        }
        if pumped:
            values = expected_increase(part, list(pumped.values()), request, light)
            found |= {
                (part.isotope, point, True): float(value)
                for point, value in zip(pumped, values, strict=True)
            }
        first = last
    return found


def _setting(planned: PlannedSegment, light: LightControl) -> Setting:
    if not (planned.pumping and planned.isotope):
        return Setting()
    at = light.resolve(planned.target, planned.isotope)
    return Setting(
        at.detuning_mhz, at.detuning_mhz, at.power_mw, at.sideband_frequency_mhz, at.sideband_depth
    )


def _light(targets: Sequence[ResolvedTarget], options: FitOptions) -> Light:
    return Light(
        np.ones(len(targets), dtype=np.bool_),
        np.array([at.detuning_mhz for at in targets]),
        np.array([options.intensity_w_m2(at.power_mw) for at in targets]),
        np.array([at.sideband_frequency_mhz for at in targets]),
        np.array([at.sideband_depth for at in targets]),
    )


def light_of(config: RigConfig) -> LightControl:
    """The light of a rig file with nothing connected: only to resolve targets."""
    return LightControl(RigAssembly(config).instruments, config, axis_of(config))
