import pytest

from atta_daq.physics import krypton


def test_wavelengths_are_those_of_the_level_energies():
    for line in krypton.lines():
        upper, lower = krypton.level(line.upper), krypton.level(line.lower)
        wavelength_nm = 1e7 / (upper.energy_cm - lower.energy_cm)
        assert line.wavelength_nm == pytest.approx(wavelength_nm, rel=2e-6)
        assert (line.j_lower, line.j_upper) == (lower.j, upper.j)


def test_every_value_names_its_source():
    assert all(level.source for level in krypton.levels())
    assert all(line.source for line in krypton.lines())
    for number in (81, 83, 85):
        assert all(c.source for c in krypton.isotope(number).hyperfine.values())


def test_pumping_line_rates():
    rates = krypton.pumping_rates()
    assert rates.lower_to_ground == 2.253e8
    assert rates.upper_to_lower == 8.94e6
    assert rates.upper_to_metastable == 2.732e7
    assert rates.upper_to_other == pytest.approx(3.015e5)
    # Low-power full width of 41.7 MHz.
    assert rates.coherence / 3.141592653589793 / 1e6 == pytest.approx(41.7, abs=0.05)


def test_metastable_lower_level_does_not_decay():
    assert krypton.pumping_rates("1s3", "2p10").lower_to_ground == 0.0


def test_isotopes():
    assert krypton.isotope(84).hyperfine == {}
    assert krypton.isotope(84).isotope_shift_mhz == 0.0
    assert krypton.isotope(81).nuclear_spin == 3.5
    assert krypton.isotope(85).nuclear_spin == 4.5
    assert krypton.isotope(83).mass_kg == pytest.approx(1.3768e-25, rel=1e-4)


def test_unknown_names_are_refused_by_name():
    with pytest.raises(KeyError, match="82Kr; known are 81, 83, 84, 85"):
        krypton.isotope(82)
    with pytest.raises(KeyError, match="2p99"):
        krypton.level("2p99")
    with pytest.raises(KeyError):
        krypton.level("")
    with pytest.raises(KeyError, match="line 1s5-2p1"):
        krypton.line("1s5", "2p1")
