"""The cloud of an abundant isotope in the trap: a number, its history, and its light."""

import bisect
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CloudPiece:
    """An interval with constant loading and loss: N(t) relaxes to `loading / loss`."""

    begin_s: float
    atoms: float
    """At `begin_s`."""
    loading_per_s: float
    loss_per_s: float
    quenched: bool
    """The quench light is on."""
    efficiency: float
    """Technical noise of this trap cycle: what the detector sees over what is there."""

    def atoms_at(self, time_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
        limit = self.loading_per_s / self.loss_per_s
        decay = np.exp(-self.loss_per_s * (np.asarray(time_s, dtype=np.float64) - self.begin_s))
        return limit + (self.atoms - limit) * decay


class Cloud:
    """Atom number of a trapped abundant isotope, exact between changes, remembered `memory_s`.

    dN/dt = L - N/lifetime - N/quench_time while the quench light is on. Each rising edge of the
    quench begins a new trap cycle with its own technical noise.
    """

    def __init__(
        self,
        lifetime_s: float,
        quench_time_s: float,
        noise: float,
        start_s: float,
        stream: np.random.Generator,
        memory_s: float = 60.0,
    ) -> None:
        self._lifetime_s = lifetime_s
        self._quench_time_s = quench_time_s
        self._noise = noise
        self._stream = stream
        self._memory_s = memory_s
        self._pieces = [CloudPiece(start_s, 0.0, 0.0, 1.0 / lifetime_s, False, 1.0)]
        self.atoms = 0.0

    def clear(self) -> None:
        """The trap goes off: everything in it is lost."""
        self.atoms = 0.0

    def run(self, begin_s: float, end_s: float, loading_per_s: float, quenched: bool) -> float:
        """Advance over [begin_s, end_s]; return the integral of the atom number (atoms s)."""
        last = self._pieces[-1]
        efficiency = last.efficiency
        if quenched and not last.quenched:
            efficiency = 1.0 + self._noise * float(self._stream.standard_normal())
        loss = 1.0 / self._lifetime_s + (1.0 / self._quench_time_s if quenched else 0.0)
        idle = self.atoms == 0.0 and loading_per_s == 0.0
        unchanged = last.atoms == 0.0 and last.loading_per_s == 0.0 and last.quenched == quenched
        if not (idle and unchanged):
            piece = CloudPiece(begin_s, self.atoms, loading_per_s, loss, quenched, efficiency)
            self._pieces.append(piece)
            self._forget(begin_s - self._memory_s)
        limit = loading_per_s / loss
        step_s = end_s - begin_s
        gone = -math.expm1(-loss * step_s)
        integral = limit * step_s + (self.atoms - limit) * gone / loss
        self.atoms += (limit - self.atoms) * gone
        return integral

    def history(
        self, times_s: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Visible atoms (number times detection efficiency) and quench light at past times.

        `times_s`: ascending rig times (s), not later than the end of the last interval. Times
        before what is remembered see the oldest piece's initial number.
        """
        atoms = np.zeros(times_s.size)
        quenched = np.zeros(times_s.size, dtype=np.bool_)
        starts = [piece.begin_s for piece in self._pieces]
        bounds = np.searchsorted(times_s, starts[1:])
        edges = [0, *bounds.tolist(), times_s.size]
        for piece, low, high in zip(self._pieces, edges[:-1], edges[1:], strict=True):
            if high > low:
                moments = np.maximum(times_s[low:high], piece.begin_s)
                atoms[low:high] = piece.efficiency * piece.atoms_at(moments)
                quenched[low:high] = piece.quenched
        return atoms, quenched

    def means(
        self, begin_s: float, dt_s: float, count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Visible atoms averaged over `count` past intervals of `dt_s` from `begin_s` on, and the
        average of those in quench light; otherwise as `history`."""
        edges_s = begin_s + dt_s * np.arange(count + 1, dtype=np.float64)
        total = np.zeros(count + 1)
        in_light = np.zeros(count + 1)
        pieces = self._pieces
        ends_s = [piece.begin_s for piece in pieces[1:]] + [edges_s[-1]]
        for piece, end_s in zip(pieces, ends_s, strict=True):
            if end_s <= edges_s[0]:
                continue
            since_s = np.clip(edges_s, piece.begin_s, max(end_s, piece.begin_s)) - piece.begin_s
            limit = piece.loading_per_s / piece.loss_per_s
            gone = -np.expm1(-piece.loss_per_s * since_s) / piece.loss_per_s
            integral = piece.efficiency * (limit * since_s + (piece.atoms - limit) * gone)
            total += integral
            if piece.quenched:
                in_light += integral
        return np.diff(total) / dt_s, np.diff(in_light) / dt_s

    def _forget(self, before_s: float) -> None:
        if len(self._pieces) > 64 and self._pieces[32].begin_s < before_s:
            keep = bisect.bisect_right([p.begin_s for p in self._pieces], before_s) - 1
            del self._pieces[: max(keep, 0)]
