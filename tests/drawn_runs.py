"""Segments of a made-up run, drawn from a known truth."""

from dataclasses import dataclass

import numpy as np

from atta_daq.analysis.records import Segment, SegmentKind, Setting
from atta_daq.analysis.spectrum_model import Light, SpectrumModel
from atta_daq.physics.beam import mean_intensity_w_m2


@dataclass(frozen=True)
class SpectrumRun:
    """A detuning scan: segments and the parameters that they were drawn with."""

    segments: list[Segment]
    truth: dict[str, float]


def bracket(index: int, block: int, start_s: float, rate: float, error: float, **kw) -> Segment:
    """83Kr loading from five bursts."""
    return Segment(
        "run",
        block,
        0,
        index,
        SegmentKind.LOADING_83,
        83,
        kw.pop("pumping", False),
        None,
        True,
        Setting(),
        start_s,
        start_s + 8.0,
        5.0,
        exposures=5,
        rate=rate,
        rate_error=error,
        **kw,
    )


def rare(
    index: int,
    block: int,
    start_s: float,
    dwell_s: float,
    counts: int,
    *,
    isotope: int = 85,
    pumping: bool = True,
    point: int | None = None,
    setting: Setting | None = None,
    efficiency: float = 0.93,
    efficiency_error: float = 0.01,
    **kw,
) -> Segment:
    """Counted atoms."""
    return Segment(
        "run",
        block,
        kw.pop("attempt", 0),
        index,
        SegmentKind.RARE,
        isotope,
        pumping,
        point,
        False,
        setting or Setting(),
        start_s,
        start_s + dwell_s,
        dwell_s,
        counts=counts,
        efficiency=efficiency,
        efficiency_error=efficiency_error,
        **kw,
    )


def draw_spectrum(
    seed: int,
    *,
    isotope: int = 85,
    counts_per_h: float = 2500.0,
    points: int = 41,
    dwell_s: float = 240.0,
    references: int = 9,
    geometry: str = "co",
    waist_mm: float = 7.5,
    rabi_scale: float = 4.0,
    supply_ratio: float = 10.2,
    position_offset_mhz: float = 0.0,
    bracket_noise: float = 0.01,
    blank_per_h: float = 2.0,
    span_mhz: tuple[float, float] = (-800.0, 1600.0),
    loading: bool = False,
    efficiency: float = 0.93,
) -> SpectrumRun:
    """A whole run: brackets every other point, drifting source, references, blanks at the ends."""
    rng = np.random.default_rng(seed)
    detuning = np.linspace(*span_mhz, points)
    intensity = mean_intensity_w_m2(500.0, waist_mm, 9.0)
    model = SpectrumModel(isotope, Light.scan(detuning, intensity), geometry)
    position = model.nominal_position_mhz + position_offset_mhz
    unit = [1.0, position, rabi_scale, model.nominal_rms_mhz]
    amplitude = supply_ratio / model.supply_ratio(unit)
    increase = model.increase([amplitude, *unit[1:]])

    order = list(rng.permutation(points))
    step = max(points // max(references, 1), 1)
    plan: list[int | None] = []
    for k, point in enumerate(order):
        plan.append(int(point))
        if references and k % step == step - 1 and plan.count(None) < references:
            plan.append(None)
    segments: list[Segment] = []
    clock, source = 1.0e9, 1.0

    def advance(seconds: float) -> None:
        nonlocal clock, source
        clock += seconds
        source *= 1.0 + rng.normal(0.0, 0.02 * np.sqrt(seconds / 3600.0))

    def add_bracket(block: int) -> None:
        mean = [float(rng.normal(source, source * bracket_noise * np.sqrt(5))) for _ in range(5)]
        error = max(float(np.std(mean, ddof=1)) / np.sqrt(5), 1e-6)
        rate = 6.9e9 * float(np.mean(mean))
        segments.append(bracket(len(segments), block, clock, rate, 6.9e9 * error))
        advance(15.0)

    def add_blank(block: int) -> None:
        segments.append(
            Segment(
                "run",
                block,
                0,
                len(segments),
                SegmentKind.BLANK,
                0,
                False,
                None,
                False,
                Setting(),
                clock,
                clock + 600.0,
                600.0,
                counts=int(rng.poisson(blank_per_h / 6.0)),
            )
        )
        advance(600.0)

    if not loading:
        add_blank(0)
    add_bracket(0)
    for k, point in enumerate(plan):
        gain = 1.0 + (increase[point] if point is not None else 0.0)
        where = float(detuning[point]) if point is not None else None
        setting = Setting(where, where, 500.0)
        start = clock
        if loading:
            bursts = rng.normal(gain * source, gain * source * 0.01 * np.sqrt(5), 5)
            segments.append(
                Segment(
                    "run",
                    k // 2,
                    0,
                    len(segments),
                    SegmentKind.LOADING_83,
                    isotope,
                    point is not None,
                    point,
                    False,
                    setting,
                    start,
                    start + 8.0,
                    5.0,
                    exposures=5,
                    rate=6.9e9 * float(bursts.mean()),
                    rate_error=6.9e9 * float(bursts.std(ddof=1)) / np.sqrt(5),
                )
            )
            advance(10.0)
        else:
            before = source
            advance(dwell_s)
            mean = gain * counts_per_h * 0.5 * (before + source) * efficiency + blank_per_h
            counts = int(rng.poisson(mean * dwell_s / 3600.0))
            segments.append(
                rare(
                    len(segments),
                    k // 2,
                    start,
                    dwell_s,
                    counts,
                    isotope=isotope,
                    pumping=point is not None,
                    point=point,
                    setting=setting,
                    efficiency=efficiency,
                )
            )
            advance(2.0)
        if k % 2 == 1 or k == len(plan) - 1:
            add_bracket(k // 2)
    if not loading:
        add_blank(len(plan) // 2)
    # The background is the rate at the run's mean 83Kr rate.
    level = float(np.mean([s.rate for s in segments if s.bracket])) / 6.9e9
    truth = {
        "background": level * (6.9e9 if loading else counts_per_h),
        "amplitude": amplitude,
        "position_mhz": position,
        "rabi_scale": rabi_scale,
        "doppler_rms_mhz": model.nominal_rms_mhz,
        "peak_increase": float(increase.max()),
    }
    return SpectrumRun(segments, truth)
