"""The mechanical shutter in the 819-nm light."""

EDGE_TOLERANCE_S = 1e-6


class Shutter:
    """Moves linearly between closed (0) and open (1) in `travel_s`."""

    def __init__(self, travel_s: float) -> None:
        self._travel_s = travel_s
        self._opening = 0.0
        self._since_s = 0.0
        self.target = 0.0

    def set(self, time_s: float, opened: bool) -> None:
        """Begin to move at `time_s`."""
        self._opening = self.opening(time_s)
        self._since_s = time_s
        self.target = 1.0 if opened else 0.0

    def opening(self, time_s: float) -> float:
        """Share of the light that passes at `time_s`."""
        if self._travel_s == 0.0:
            return self.target
        moved = (time_s - self._since_s) / self._travel_s
        if self.target > self._opening:
            return min(self.target, self._opening + moved)
        return max(self.target, self._opening - moved)

    def next_edge_s(self, time_s: float) -> float:
        """When it comes to rest, if that is after `time_s`; else infinity."""
        arrives_s = self._since_s + abs(self.target - self._opening) * self._travel_s
        return arrives_s if arrives_s > time_s + EDGE_TOLERANCE_S else float("inf")
