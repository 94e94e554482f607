"""Hyperfine components of the 819-nm line (Tables 4 and 5 of the paper)."""

from dataclasses import dataclass
from functools import cache

from atta_daq.physics.angular import coupled_values, relative_strength
from atta_daq.physics.krypton import PUMPING_LINE, line
from atta_daq.physics.krypton import isotope as isotope_data


@dataclass(frozen=True)
class Component:
    """One component F -> F' of the 819-nm line."""

    f_lower: float
    f_upper: float
    shift_mhz: float
    """Hyperfine shift from the isotope's centre of gravity."""
    total_mhz: float
    """From the 84Kr line: isotope shift plus hyperfine shift."""
    strength: float
    """Share of the whole line; sums to 1."""

    @property
    def name(self) -> str:
        """'11/2-13/2'; lines of even isotopes have no hyperfine structure: '819 nm'."""
        if self.strength > 0.999:
            return "819 nm"
        return f"{round(2 * self.f_lower)}/2-{round(2 * self.f_upper)}/2"


def hyperfine_energy_mhz(f: float, j: float, spin: float, a_mhz: float, b_mhz: float) -> float:
    """Hyperfine energy of the level F over h, by Casimir's formula (MHz).

    K = F(F+1) - I(I+1) - J(J+1); E = A K/2 + B [3/4 K(K+1) - I(I+1)J(J+1)] / [2I(2I-1)J(2J-1)].
    The quadrupole term is absent for I or J below 1.
    """
    k = f * (f + 1.0) - spin * (spin + 1.0) - j * (j + 1.0)
    dipole = 0.5 * a_mhz * k
    if spin < 1.0 or j < 1.0:
        return dipole
    bracket = 0.75 * k * (k + 1.0) - spin * (spin + 1.0) * j * (j + 1.0)
    return dipole + b_mhz * bracket / (2.0 * spin * (2.0 * spin - 1.0) * j * (2.0 * j - 1.0))


@cache
def components(isotope: int, isotope_shift_offset_mhz: float = 0.0) -> tuple[Component, ...]:
    """All components of one isotope's 819-nm line, by F and then F'.

    Even isotopes have one, written with F = J and F' = J'. The offset is added to every total
    shift. Raises KeyError for an isotope without data.
    """
    atom = isotope_data(isotope)
    lower_name, upper_name = PUMPING_LINE
    pumped = line(lower_name, upper_name)
    j_lower, j_upper, spin = float(pumped.j_lower), float(pumped.j_upper), atom.nuclear_spin
    origin = atom.isotope_shift_mhz + isotope_shift_offset_mhz
    if spin == 0.0:
        return (Component(j_lower, j_upper, 0.0, origin, 1.0),)
    low, high = atom.hyperfine[lower_name], atom.hyperfine[upper_name]
    found = []
    for f_lower in coupled_values(j_lower, spin):
        for f_upper in coupled_values(j_upper, spin):
            if abs(f_lower - f_upper) > 1.0:
                continue
            shift = hyperfine_energy_mhz(
                f_upper, j_upper, spin, high.a_mhz, high.b_mhz
            ) - hyperfine_energy_mhz(f_lower, j_lower, spin, low.a_mhz, low.b_mhz)
            strength = relative_strength(j_lower, f_lower, j_upper, f_upper, spin)
            found.append(Component(f_lower, f_upper, shift, origin + shift, strength))
    return tuple(found)


def closed_component(isotope: int, isotope_shift_offset_mhz: float = 0.0) -> Component:
    """The strongest component, highest F to highest F', which decays only to where it began."""
    return components(isotope, isotope_shift_offset_mhz)[-1]
