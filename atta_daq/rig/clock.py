"""Rig time as the station reckons it."""

from atta_daq.steady import Seconds, SteadyUtc


class RigClock:
    """Rig time = origin_s + rate x (UTC - origin_s), seconds since 1970.

    Instruments stamp with rig time; a real rig has rate = 1 and rig time is UTC. A rig that runs
    faster (a rehearsal) says so in its rig file, `[clock]`. UTC is looked at once, when this
    object is made; from then on the computer's steady clock counts (decision 17), so that rig
    time never steps. With `steady_origin_s`, what the steady clock showed at `origin_s`, UTC is
    not looked at at all (0: it is not known). `wall` is injected in tests.
    """

    def __init__(
        self,
        rate: float = 1.0,
        origin_s: float = 0.0,
        wall: Seconds | None = None,
        steady_origin_s: float = 0.0,
    ) -> None:
        self.rate = rate
        self.origin_s = origin_s
        told = (origin_s, steady_origin_s) if steady_origin_s else None
        self._wall = SteadyUtc(told) if wall is None else wall

    def now_s(self) -> float:
        """Rig time now (s)."""
        return self.origin_s + self.rate * (self._wall() - self.origin_s)

    def wall_s(self, rig_duration_s: float) -> float:
        """Wall seconds that a rig duration takes, for I/O time-outs and polling."""
        return rig_duration_s / self.rate
