"""Measures the 84Kr loading rate again and again while the operator turns mirrors."""

import math
import time
from statistics import fmean

from atta_daq.counting.loading import LoadingError
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.taker import SegmentTaker
from atta_daq.station.activity import Activity
from atta_daq.station.rig_use import RigUse
from atta_daq.station.server import Post

SHORTEST_S = 0.1
"""Wall time of one round: a rehearsal at high speed must not take a core."""


class Alignment:
    """The work of an activity: the trap on 84Kr, the camera dark, one slope after the other.

    Posts each rate as `loading:meter`, and `light:ratio`: the mean rate with 819-nm light over
    the mean without, each since the operator last moved the light or the shutter in that state.
    """

    name = "alignment"

    def __init__(
        self, instruments: Instruments, taker: SegmentTaker, use: RigUse, post: Post
    ) -> None:
        self._switch = instruments.trap_switch
        self._taker = taker
        self._use = use
        self._post = post
        self._rates: dict[bool, list[float]] = {True: [], False: []}
        self._moves = use.moves

    def __call__(self, activity: Activity) -> None:
        trap = self._taker.trap
        if not activity.carries_out(
            self._taker.configure_camera, trap.light_on, lambda: trap.to(84)
        ):
            return
        self._post("loading:meter", math.nan)
        self._post("light:ratio", math.nan)
        activity.ready()
        try:
            while not activity.ending:
                started = time.monotonic()
                self._measure()
                activity.pause(max(0.0, started + SHORTEST_S - time.monotonic()))
        finally:
            # Hours later they would still look like those of the moment.
            for name in ("loading:meter", "light:ratio"):
                self._post(name, math.nan, "invalid", "the alignment has ended")

    def _measure(self) -> None:
        moves = self._use.moves
        pumping = self._switch.status().pumping_light
        try:
            rate = self._taker.slope()
        except LoadingError as error:
            self._post("loading:meter", math.nan, "minor", str(error))
            return
        self._post("loading:meter", rate)
        # Odd: a move was under way when the slope began. It belongs to neither light.
        if moves % 2 == 0 and moves == self._use.moves:
            self._keep(pumping, rate, moves)
        self._post("light:ratio", self._ratio())

    def _keep(self, pumping: bool, rate: float, moves: int) -> None:
        if moves != self._moves:
            self._rates[pumping].clear()
            self._moves = moves
        self._rates[pumping].append(rate)

    def _ratio(self) -> float:
        with_light, without = self._rates[True], self._rates[False]
        if not with_light or not without or fmean(without) <= 0.0:
            return math.nan
        return fmean(with_light) / fmean(without)
