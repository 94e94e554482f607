"""Krypton: levels, lines, isotopes, from the tables in `data/`, each with its source.

Rates are in 1/s, wavelengths in vacuum nm, energies in cm-1, hyperfine constants in MHz.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

METASTABLE = "1s5"
GROUND = "gs"
PUMPING_LINE = ("1s4", "2p6")
REFERENCE_ISOTOPE = 84
"""Detunings count from the 819-nm line of this isotope."""

ATOMIC_MASS_KG = 1.66053906892e-27
"""Unified atomic mass unit, CODATA 2022."""

_MASS_U = {
    81: 80.916592,
    82: 81.913481,
    83: 82.914127,
    84: 83.911498,
    85: 84.912527,
    86: 85.910611,
}
"""Atomic masses, AME2020 (Chinese Phys. C 45, 030003)."""

_MOMENTS = {81: (-0.908, 0.644), 83: (-0.970669, 0.259), 85: (-1.0055, 0.443)}
"""Magnetic dipole moment (nuclear magnetons), electric quadrupole moment (barn): Stone 2005."""

_CHARGE_RADIUS_FM = {81: 4.1952, 82: 4.1919, 83: 4.1871, 84: 4.1884, 85: 4.1846, 86: 4.1835}
"""Root-mean-square nuclear charge radii: Angeli and Marinova, ADNDT 99, 69 (2013)."""


@dataclass(frozen=True)
class Level:
    """One energy level of Kr I."""

    name: str
    """Paschen name, 'gs' for the ground level; empty when it has none."""
    configuration: str
    term: str
    """Racah (jK) term."""
    j: int
    energy_cm: float
    source: str


@dataclass(frozen=True)
class Line:
    """One electric-dipole transition."""

    lower: str
    upper: str
    j_lower: int
    j_upper: int
    wavelength_nm: float
    """In vacuum."""
    decay_rate_s: float
    """Einstein A, upper to lower, recommended value."""
    source: str
    """How far the rate is to be trusted."""

    @property
    def wavelength_m(self) -> float:
        """Vacuum wavelength, m."""
        return self.wavelength_nm * 1e-9


@dataclass(frozen=True)
class HyperfineConstants:
    """Magnetic dipole and electric quadrupole constants of one level."""

    a_mhz: float
    b_mhz: float
    source: str


@dataclass(frozen=True)
class Isotope:
    """One isotope of krypton on the 819-nm line."""

    mass_number: int
    mass_u: float
    nuclear_spin: float
    isotope_shift_mhz: float
    """Of the 819-nm centre of gravity from that of 84Kr."""
    hyperfine: dict[str, HyperfineConstants]
    """Level name to constants; empty for even isotopes."""
    magnetic_moment: float | None
    """Nuclear magnetons."""
    quadrupole_moment_b: float | None

    @property
    def mass_kg(self) -> float:
        """Atomic mass, kg."""
        return self.mass_u * ATOMIC_MASS_KG


@dataclass(frozen=True)
class PumpingRates:
    """Spontaneous decay rates of the five-level scheme (Eq. 13), all in 1/s."""

    lower_to_ground: float
    upper_to_lower: float
    upper_to_metastable: float
    upper_to_other: float

    @property
    def upper(self) -> float:
        """Total decay rate of the upper level."""
        return self.upper_to_lower + self.upper_to_metastable + self.upper_to_other

    @property
    def coherence(self) -> float:
        """Decay rate of the optical coherence, (G_u + G_l0)/2, in 1/s."""
        return 0.5 * (self.upper + self.lower_to_ground)


def _table(name: str) -> list[dict[str, str]]:
    text = (resources.files("atta_daq.physics") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def levels() -> tuple[Level, ...]:
    """Every tabulated level (NIST ASD 5), by increasing energy."""
    rows = [
        Level(
            name=row["paschen"],
            configuration=row["configuration"],
            term=row["term_jK"],
            j=int(row["J"]),
            energy_cm=float(row["energy_cm-1"]),
            source=row["source"],
        )
        for row in _table("kr_levels.csv")
    ]
    return tuple(sorted(rows, key=lambda level: level.energy_cm))


def level(name: str) -> Level:
    """The level with this Paschen name ('1s5', '2p6', 'gs'). Raises KeyError."""
    for candidate in levels():
        if name and candidate.name == name:
            return candidate
    raise KeyError(f"no krypton level named {name!r}")


@cache
def lines() -> tuple[Line, ...]:
    """Every tabulated line with its recommended decay rate."""
    return tuple(
        Line(
            lower=row["lower"],
            upper=row["upper"],
            j_lower=int(row["Jl"]),
            j_upper=int(row["Ju"]),
            wavelength_nm=float(row["lambda_vac_nm"]),
            decay_rate_s=float(row["A_recommended_s-1"]),
            source=row["status"],
        )
        for row in _table("kr_lines.csv")
    )


@cache
def line(lower: str, upper: str) -> Line:
    """The line between two levels, e.g. line("1s4", "2p6") at 819.23 nm. Raises KeyError."""
    for candidate in lines():
        if (candidate.lower, candidate.upper) == (lower, upper):
            return candidate
    raise KeyError(f"no tabulated krypton line {lower}-{upper}")


def mass_u(mass_number: int) -> float:
    """Atomic mass of 81 to 86Kr in u. Raises KeyError."""
    return _MASS_U[mass_number]


def charge_radius_fm(mass_number: int) -> float:
    """Root-mean-square nuclear charge radius of 81 to 86Kr in fm. Raises KeyError."""
    return _CHARGE_RADIUS_FM[mass_number]


@cache
def isotope(mass_number: int) -> Isotope:
    """Data of 81, 83, 84 or 85Kr. Raises KeyError for an isotope without a measured 819-nm line."""
    rows = _table("kr_hfs.csv")
    shifts = {
        int(row["isotope"]): float(row["isotope_shift_MHz"])
        for row in rows
        if row["kind"].startswith("IS_819nm")
    }
    shifts[REFERENCE_ISOTOPE] = 0.0
    if mass_number not in shifts:
        known = ", ".join(str(number) for number in sorted(shifts))
        raise KeyError(f"no 819-nm data for {mass_number}Kr; known are {known}")
    own = [r for r in rows if r["kind"] == "AB" and int(r["isotope"]) == mass_number]
    moment, quadrupole = _MOMENTS.get(mass_number, (None, None))
    return Isotope(
        mass_number=mass_number,
        mass_u=_MASS_U[mass_number],
        nuclear_spin=float(own[0]["I"]) if own else 0.0,
        isotope_shift_mhz=shifts[mass_number],
        hyperfine={
            row["level_or_F"]: HyperfineConstants(
                float(row["A_MHz"]), float(row["B_MHz"]), row["source"]
            )
            for row in own
        },
        magnetic_moment=moment,
        quadrupole_moment_b=quadrupole,
    )


@cache
def pumping_rates(lower: str = PUMPING_LINE[0], upper: str = PUMPING_LINE[1]) -> PumpingRates:
    """Decay rates of the five-level scheme that pumps `lower` to `upper`.

    A level without a tabulated decay to the ground level (1s3, metastable) keeps its atoms.
    Raises KeyError when the pumped line is not tabulated.
    """
    pumped = line(lower, upper)
    decays = {entry.lower: entry.decay_rate_s for entry in lines() if entry.upper == upper}
    metastable = decays.get(METASTABLE, 0.0)
    to_ground = [e.decay_rate_s for e in lines() if (e.lower, e.upper) == (GROUND, lower)]
    return PumpingRates(
        lower_to_ground=sum(to_ground),
        upper_to_lower=pumped.decay_rate_s,
        upper_to_metastable=metastable,
        upper_to_other=sum(decays.values()) - pumped.decay_rate_s - metastable,
    )
