"""How long fits take; printed, not asserted: other work on the machine shares its cores."""

import importlib.util
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from atta_daq.analysis.fit_run import fit_run, warm_up
from atta_daq.analysis.options import FitOptions
from atta_daq.analysis.prior import Prior
from atta_daq.analysis.spectrum_model import Light, SpectrumModel

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]


_source = Path(__file__).parents[1] / "analysis" / "conftest.py"
_spec = importlib.util.spec_from_file_location("made_up_runs", _source)
_made_up = importlib.util.module_from_spec(_spec)
sys.modules["made_up_runs"] = _made_up
_spec.loader.exec_module(_made_up)


def median_ms(function, repeats: int) -> float:
    taken = []
    for i in range(repeats):
        start = time.perf_counter()
        function(i)
        taken.append(time.perf_counter() - start)
    return 1e3 * float(np.median(taken))


def test_speed_of_fits():
    start = time.perf_counter()
    warm_up()
    print(f"\nwarm-up {time.perf_counter() - start:.1f} s")

    model = SpectrumModel(85, Light.scan(np.linspace(-800.0, 1600.0, 60), 4034.0), "co")
    move = median_ms(lambda i: model.increase([0.5, 60.0 + 0.01 * i, 4.0, 90.0]), 300)
    scale = median_ms(lambda i: model.increase([0.5, 60.0, 4.0 + 1e-5 * i, 90.0]), 300)
    print(f"model, 60 points: {move:.3f} ms (same Rabi scale), {scale:.3f} ms (new Rabi scale)")

    segments = _made_up.draw_spectrum(0).segments
    prior = Prior(("rabi_scale", "doppler_rms_mhz"), (4.0, 93.0), np.diag([0.09, 25.0]))
    live = FitOptions(85, ("detuning_mhz",))
    final = FitOptions(85, ("detuning_mhz",), minos=True, toys=2000)
    held = FitOptions(85, ("detuning_mhz",), start={"rabi_scale": 4.0})
    taken = median_ms(lambda _: fit_run(segments, held), 9)
    print(f"85Kr demo, live fit (HESSE), held: {taken:.0f} ms")
    taken = median_ms(lambda _: fit_run(segments, live, prior), 9)
    print(f"85Kr demo, live fit (HESSE), constrained: {taken:.0f} ms")
    result = fit_run(segments, final, prior)
    taken = median_ms(lambda _: fit_run(segments, final, prior), 5)
    print(f"85Kr demo, MINOS and 2000 toys, constrained: {taken:.0f} ms")
    assert result.valid
    assert all(p.upper is not None for p in result.parameters)
