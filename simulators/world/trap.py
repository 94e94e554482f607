"""Single atoms in the magneto-optical trap: when each one came and when it left."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Arrival:
    """One atom-like event, as only the simulation knows it."""

    rig_time_s: float
    leaves_s: float
    """When it leaves if nothing expels it before (rig time, s)."""
    wanted: bool
    """False for an event that is no atom of the wanted isotope."""


class SingleAtoms:
    """Poisson arrivals at a rate that may change at any moment, and exponential stays.

    Time is cut by the caller into intervals in which every rate is constant. An arrival happens
    when the integral of the rate has eaten up a unit exponential: exact for any sequence of
    intervals (time rescaling of a Poisson process), and random numbers are drawn only when an
    atom comes.
    """

    LOG_LENGTH = 200_000

    def __init__(self, lifetime_s: float, stream: np.random.Generator) -> None:
        self._lifetime_s = lifetime_s
        self._stream = stream
        self._atoms: list[Arrival] = []
        self._hazard = {True: self._unit(), False: self._unit()}
        self.log: deque[Arrival] = deque(maxlen=self.LOG_LENGTH)
        self.wanted_total = 0
        self.false_total = 0

    @property
    def present(self) -> int:
        """Atoms in the trap at the end of the last interval."""
        return len(self._atoms)

    def clear(self) -> None:
        """The trap goes off: everything in it is lost."""
        self._atoms.clear()

    def run(
        self,
        begin_s: float,
        end_s: float,
        wanted_rate_per_s: float,
        false_rate_per_s: float,
        expel_time_s: float = math.inf,
    ) -> float:
        """Advance over [begin_s, end_s]; return the summed presence of all atoms in it (s).

        `expel_time_s` is the time constant of an extra loss in this interval (quench light).
        """
        if wanted_rate_per_s > 0.0:
            self._arrive(begin_s, end_s, wanted_rate_per_s, True)
        if false_rate_per_s > 0.0:
            self._arrive(begin_s, end_s, false_rate_per_s, False)
        presence_s = 0.0
        staying: list[Arrival] = []
        for atom in self._atoms:
            came_s = max(atom.rig_time_s, begin_s)
            leaves_s = atom.leaves_s
            if expel_time_s < math.inf:
                # without memory, so drawing anew in every interval is exact
                leaves_s = min(leaves_s, came_s + expel_time_s * self._unit())
            presence_s += min(leaves_s, end_s) - came_s
            if leaves_s > end_s:
                staying.append(atom)
        self._atoms = staying
        return presence_s

    def _arrive(self, begin_s: float, end_s: float, rate_per_s: float, wanted: bool) -> None:
        time_s = begin_s
        while True:
            needed_s = self._hazard[wanted] / rate_per_s
            if time_s + needed_s >= end_s:
                self._hazard[wanted] -= (end_s - time_s) * rate_per_s
                return
            time_s += needed_s
            self._hazard[wanted] = self._unit()
            atom = Arrival(time_s, time_s + self._lifetime_s * self._unit(), wanted)
            self._atoms.append(atom)
            self.log.append(atom)
            if wanted:
                self.wanted_total += 1
            else:
                self.false_total += 1

    def _unit(self) -> float:
        return float(self._stream.standard_exponential())
