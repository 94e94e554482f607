import json

import pytest
from typer.testing import CliRunner

from atta_daq.cli.model import app


@pytest.fixture
def call():
    def run(*arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    return run


def as_json(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_efficiency(call):
    rows = as_json(call("efficiency", "--json"))
    assert len(rows) == 18
    (pumping,) = [r for r in rows if (r["lower"], r["upper"]) == ("1s4", "2p6")]
    assert set(pumping) == {"lower", "upper", "wavelength_nm", "efficiency", "efficiency_infinite"}
    assert pumping["wavelength_nm"] == pytest.approx(819.23, abs=0.005)
    assert pumping["efficiency"] == pytest.approx(0.093, abs=6e-4)
    assert pumping["efficiency_infinite"] == pytest.approx(0.108, abs=6e-4)


def test_efficiency_at_other_intensities(call):
    weak = as_json(call("efficiency", "--intensity-w-m2", 80, "--json"))
    strong = as_json(call("efficiency", "--json"))
    assert weak[3]["efficiency"] < 0.1 * strong[3]["efficiency"]
    assert weak[3]["efficiency_infinite"] == strong[3]["efficiency_infinite"]
    assert "0.093" in call("efficiency").stdout


def test_components(call):
    rows = as_json(call("components", "--isotope", 85, "--json"))
    assert len(rows) == 9
    assert set(rows[-1]) == {"f_lower", "f_upper", "shift_mhz", "total_mhz", "strength"}
    assert (rows[-1]["f_lower"], rows[-1]["f_upper"]) == (5.5, 6.5)
    assert rows[-1]["total_mhz"] == pytest.approx(-204.1, abs=0.06)


@pytest.mark.parametrize("isotope", [81, 83, 85])
def test_components_prints_the_cross_check(call, isotope):
    text = call("components", "--isotope", isotope).stdout
    assert "cross-check passed" in text
    assert "Eq. 7" in text


@pytest.mark.parametrize("geometry", ["co", "counter"])
def test_spectrum(call, geometry):
    found = as_json(
        call("spectrum", "--isotope", 85, "--geometry", geometry, "--power-mw", 500, "--json")
    )
    assert len(found["detuning_mhz"]) == len(found["efficiency"]) == len(found["increase"])
    assert found["increase"][5] == pytest.approx(10.2 * found["efficiency"][5])
    rest = found["closed_line_as_set_mhz"]
    sign = 1.0 if geometry == "co" else -1.0
    assert rest - sign * found["doppler_mode_mhz"] == pytest.approx(-204.1, abs=0.06)


def test_spectrum_takes_its_options(call):
    base = ("spectrum", "--isotope", 83, "--geometry", "co", "--power-mw", 500, "--json")
    plain = as_json(call(*base, "--start-mhz", -100, "--stop-mhz", 100, "--step-mhz", 50))
    assert plain["detuning_mhz"] == [-100.0, -50.0, 0.0, 50.0, 100.0]
    for option in (
        ("--sideband-depth", 1.0),
        ("--rabi-scale", 1.0),
        ("--model", "zeeman"),
        ("--waist-mm", 20),
        ("--temperature-k", 150),
        ("--selection-exponent", 0),
        ("--capture-velocity", 250),
    ):
        other = as_json(
            call(*base, "--start-mhz", -100, "--stop-mhz", 100, "--step-mhz", 50, *option)
        )
        assert other["efficiency"] != plain["efficiency"], option


def test_spectrum_of_an_even_isotope_in_words(call):
    result = call("spectrum", "--isotope", 84, "--geometry", "co", "--power-mw", 500)
    assert result.exit_code == 0
    assert "1s4 - 2p6" in result.stdout
    assert "Doppler shift 282 MHz" in result.stdout


def test_figures(call, tmp_path):
    for name, arguments in {
        "levels.png": ("levels",),
        "spectrum.png": ("spectrum", "--isotope", 81, "--geometry", "co", "--power-mw", 500),
        "even.png": ("spectrum", "--isotope", 84, "--geometry", "counter", "--power-mw", 0),
    }.items():
        result = call(*arguments, "--plot", tmp_path / name)
        assert result.exit_code == 0, result.output
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / name).stat().st_size > 20_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("components", "--isotope", 84), "no hyperfine structure"),
        (("components", "--isotope", 80), "known are"),
        (("spectrum", "--isotope", 83, "--geometry", "side", "--power-mw", 1), "geometry"),
        (("spectrum", "--isotope", 83, "--geometry", "co", "--power-mw", -1), "power"),
        (
            ("spectrum", "--isotope", 83, "--geometry", "co", "--power-mw", 1, "--tube-mm", 0),
            "diameter",
        ),
        (
            ("spectrum", "--isotope", 83, "--geometry", "co", "--power-mw", 1, "--start-mhz", 9000),
            "must lie above",
        ),
        (("levels", "--plot", "nowhere.xyz"), "cannot write"),
        (("efficiency", "--intensity-w-m2", -1), "intensity"),
    ],
)
def test_wrong_arguments(call, arguments, message):
    result = call(*arguments)
    assert result.exit_code == 2
    text = " ".join(result.output.replace("│", " ").split())
    assert message in text
