import csv
from importlib import resources

import pytest

from atta_daq.physics.angular import branching, coupled_values, dipole_amplitude, zeeman_share
from atta_daq.physics.hyperfine import closed_component, components, hyperfine_energy_mhz
from atta_daq.physics.krypton import isotope

# Table 5 and its reconstruction: isotope, F, F', hyperfine shift, total shift (MHz), strength.
TABLE_5 = [
    (81, 2.5, 1.5, 330.5, 169.6, 0.100),
    (81, 2.5, 2.5, 100.7, -60.2, 0.096),
    (81, 2.5, 3.5, -275.1, -436.0, 0.054),
    (81, 3.5, 2.5, 447.7, 286.8, 0.054),
    (81, 3.5, 3.5, 71.9, -89.0, 0.127),
    (81, 3.5, 4.5, -503.8, -664.7, 0.153),
    (81, 4.5, 3.5, 1195.2, 1034.3, 0.019),
    (81, 4.5, 4.5, 619.5, 458.6, 0.097),
    (81, 4.5, 5.5, -225.5, -386.4, 0.300),
    (83, 3.5, 2.5, 318.8, 274.0, 0.120),
    (83, 3.5, 3.5, -22.9, -67.7, 0.098),
    (83, 3.5, 4.5, -483.8, -528.6, 0.049),
    (83, 4.5, 3.5, 580.1, 535.3, 0.062),
    (83, 4.5, 4.5, 119.2, 74.4, 0.129),
    (83, 4.5, 5.5, -477.0, -521.8, 0.142),
    (83, 5.5, 4.5, 1099.0, 1054.2, 0.022),
    (83, 5.5, 5.5, 502.8, 458.0, 0.098),
    (83, 5.5, 6.5, -248.4, -293.2, 0.280),
    (85, 3.5, 2.5, 337.3, 390.2, 0.120),
    (85, 3.5, 3.5, 9.6, 62.5, 0.098),
    (85, 3.5, 4.5, -449.5, -396.6, 0.049),
    (85, 4.5, 3.5, 553.6, 606.5, 0.062),
    (85, 4.5, 4.5, 94.5, 147.4, 0.129),
    (85, 4.5, 5.5, -524.2, -471.3, 0.142),
    (85, 5.5, 4.5, 1174.7, 1227.6, 0.022),
    (85, 5.5, 5.5, 556.0, 608.9, 0.098),
    (85, 5.5, 6.5, -257.0, -204.1, 0.280),
]


def test_all_components_of_table_5():
    found = [(number, *c) for number in (81, 83, 85) for c in _rows(number)]
    assert len(found) == len(TABLE_5) == 27
    for row, (number, f_lower, f_upper, shift, total, strength) in zip(TABLE_5, found, strict=True):
        assert row[:3] == (number, f_lower, f_upper)
        assert shift == pytest.approx(row[3], abs=0.06)
        assert total == pytest.approx(row[4], abs=0.06)
        assert strength == pytest.approx(row[5], abs=0.0006)


def test_values_printed_in_the_paper():
    text = (resources.files("atta_daq.physics") / "data" / "kr_hfs.csv").read_text()
    printed = 0
    for row in csv.DictReader(text.splitlines()):
        if row["kind"] != "component":
            continue
        f = {key: float(row[key].split("/")[0]) / 2 for key in ("level_or_F", "Fp")}
        (match,) = [
            c
            for c in components(int(row["isotope"]))
            if (c.f_lower, c.f_upper) == (f["level_or_F"], f["Fp"])
        ]
        if row["table5_hfs"]:
            printed += 1
            assert match.shift_mhz == pytest.approx(float(row["table5_hfs"]), abs=0.06)
        if row["table5_total"]:
            assert match.total_mhz == pytest.approx(float(row["table5_total"]), abs=0.06)
    assert printed == 17


def _rows(number):
    return [
        (c.f_lower, c.f_upper, c.shift_mhz, c.total_mhz, c.strength) for c in components(number)
    ]


@pytest.mark.parametrize("number", [81, 83, 84, 85])
def test_strengths_sum_to_one(number):
    assert sum(c.strength for c in components(number)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("number", [81, 83, 85])
def test_centre_of_gravity_is_the_isotope_shift(number):
    centre = sum(c.strength * c.total_mhz for c in components(number))
    assert centre == pytest.approx(isotope(number).isotope_shift_mhz, abs=1e-9)


def test_hyperfine_energies_keep_the_centre_of_the_level():
    for j, spin in ((1.0, 3.5), (2.0, 4.5), (1.0, 0.5)):
        total = sum(
            (2 * f + 1) * hyperfine_energy_mhz(f, j, spin, -160.0, -105.0)
            for f in coupled_values(j, spin)
        )
        assert total == pytest.approx(0.0, abs=1e-9)


def test_magnetic_interval_rule():
    # Without quadrupole moment neighbouring levels are A F apart.
    e = {f: hyperfine_energy_mhz(f, 2.0, 4.5, -100.0, 0.0) for f in coupled_values(2.0, 4.5)}
    assert e[6.5] - e[5.5] == pytest.approx(-100.0 * 6.5)
    assert e[3.5] - e[2.5] == pytest.approx(-100.0 * 3.5)


def test_offset_moves_totals_only():
    for plain, moved in zip(components(83), components(83, 12.5), strict=True):
        assert moved.total_mhz - plain.total_mhz == pytest.approx(12.5)
        assert moved.shift_mhz == plain.shift_mhz


def test_even_isotope_has_one_component():
    (only,) = components(84)
    assert (only.shift_mhz, only.total_mhz, only.strength) == (0.0, 0.0, 1.0)


def test_closed_component():
    assert closed_component(83).f_upper == 6.5
    assert closed_component(83).total_mhz == pytest.approx(-293.2, abs=0.06)


@pytest.mark.parametrize("spin", [3.5, 4.5])
def test_decays_are_complete(spin):
    for f_upper in coupled_values(2.0, spin):
        lower = coupled_values(1.0, spin)
        shares = [branching(1.0, f, 2.0, f_upper, spin) for f in lower]
        assert sum(shares) == pytest.approx(1.0, abs=1e-12)
        m_upper = f_upper - 1.0
        for f_lower in lower:
            if abs(f_lower - f_upper) > 1.0:
                continue
            total = 0.0
            for q in (-1.0, 0.0, 1.0):
                if abs(m_upper + q) > f_lower:
                    continue
                share = zeeman_share(f_lower, m_upper + q, f_upper, m_upper)
                amplitude = dipole_amplitude(1.0, f_lower, m_upper + q, 2.0, f_upper, m_upper, spin)
                # Both routes to the decay of one sublevel agree.
                assert 5.0 * amplitude**2 == pytest.approx(
                    share * branching(1.0, f_lower, 2.0, f_upper, spin), abs=1e-12
                )
                total += share
            assert total == pytest.approx(1.0, abs=1e-12)
