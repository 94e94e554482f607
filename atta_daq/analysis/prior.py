"""Gaussian knowledge from another fit: names, values, covariance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atta_daq.analysis.results import FitResult

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """Constraint -2 ln L += (x - values) covariance^-1 (x - values)."""

    names: tuple[str, ...]
    values: tuple[float, ...]
    covariance: FloatArray
    source: str = ""
    """Where it comes from, for the report: a run's id."""

    def __post_init__(self) -> None:
        n = len(self.names)
        shape_ok = len(self.values) == n and self.covariance.shape == (n, n)
        if not shape_ok or np.any(np.linalg.eigvalsh(self.covariance) <= 0.0):
            raise ValueError(f"prior on {self.names}: values or covariance do not fit together")

    @classmethod
    def from_fit(
        cls,
        result: FitResult,
        names: Sequence[str] = ("rabi_scale", "doppler_rms_mhz", "doppler_shift_mhz"),
        source: str = "",
    ) -> "Prior":
        """The part of a fit that another isotope's fit may use.

        `doppler_shift_mhz`, a derived quantity of spectra of 83Kr and 84Kr whose rest positions
        are known, is taken along with its correlations. Names that the fit held fixed are left
        out: it learnt nothing about them. Raises ValueError when nothing remains.
        """
        free = [p.name for p in result.parameters if not p.fixed]
        rows, kept = [], []
        for name in names:
            row = np.zeros(len(free))
            if name == "doppler_shift_mhz" and "position_mhz" in free:
                # shift = +(position - rest) along, -(position - rest) against the beam.
                sign = 1.0 if result.settings.get("geometry") == "co" else -1.0
                row[free.index("position_mhz")] = sign
            elif name in free:
                row[free.index(name)] = 1.0
            else:
                continue
            rows.append(row)
            kept.append(name)
        if not kept:
            raise ValueError(f"the {result.isotope}Kr fit leaves none of {tuple(names)} free")
        mapping = np.stack(rows)
        return cls(
            tuple(kept),
            tuple(result[name].value for name in kept),
            mapping @ result.covariance @ mapping.T,
            source,
        )

    def only(self, names: Sequence[str]) -> "Prior | None":
        """Marginal over everything but `names`; None when it knows none of them."""
        rows = [i for i, name in enumerate(self.names) if name in names]
        if not rows:
            return None
        return Prior(
            tuple(self.names[i] for i in rows),
            tuple(self.values[i] for i in rows),
            self.covariance[np.ix_(rows, rows)],
            self.source,
        )

    def given(
        self, name: str, known: Sequence[str], known_values: FloatArray, known_cov: FloatArray
    ) -> tuple[float, float, FloatArray]:
        """Value and variance of `name` once a fit has moved the `known` names.

        Returns also the sensitivity of that value to the known names, shape (len(known),), from
        which covariances with other fit parameters follow. Linear Gaussian conditioning.
        """
        i = self.names.index(name)
        rows = [self.names.index(other) for other in known]
        cross = self.covariance[i, rows]
        inner = self.covariance[np.ix_(rows, rows)]
        sensitivity: FloatArray = np.zeros(0)
        if rows:
            sensitivity = np.asarray(np.linalg.solve(inner, cross), dtype=np.float64)
        shift = known_values - np.array([self.values[j] for j in rows])
        variance = (
            self.covariance[i, i] - cross @ sensitivity + sensitivity @ known_cov @ sensitivity
        )
        return self.values[i] + float(sensitivity @ shift), float(variance), sensitivity
