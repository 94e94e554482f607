"""The acquisition of a Red Pitaya: arm, trigger, wait, read out."""

import numpy as np
from numpy.typing import NDArray

from simulators.scpi import ILLEGAL_VALUE, OUT_OF_RANGE, STALE, ScpiError
from simulators.servers.redpitaya_wiring import Wiring
from simulators.world.loading import Recording
from simulators.world.world import World

BUFFER = 16384
CLOCK_HZ = 125e6
DECIMATIONS = tuple(2**n for n in range(17))
TRIGGERS = ("DISABLED", "NOW", "EXT_PE", "EXT_NE", "AWG_PE", "AWG_NE")
RANGE_V = {"LV": 1.0, "HV": 20.0}
FULL_SCALE = 8192
"""Counts of the 14-bit converter at the end of its range."""


class Digitiser:
    """Two channels with one trigger. All durations are rig time.

    The buffer holds `BUFFER` samples, of which BUFFER/2 + delay come after the trigger. A trigger
    that is set before the start is ignored, as on the real board. Level triggers on the inputs are
    not simulated and refused; nothing is connected to the external trigger input.
    """

    def __init__(self, world: World, wiring: Wiring) -> None:
        self._clock = world.clock
        self._wiring = wiring
        self.reset()

    def reset(self) -> None:
        self.decimation = 1
        self.averaging = True
        self.delay = 0
        self.level_v = 0.0
        self.gain = {1: "LV", 2: "LV"}
        self.format = "ASCII"
        self.units = "VOLTS"
        self.stop()

    def start(self) -> None:
        """Begin to fill the buffer; the trigger is armed afterwards."""
        self._running = True
        self._trigger = "DISABLED"
        self._recording: Recording | None = None
        self._triggered_s = float("inf")

    def stop(self) -> None:
        self.start()
        self._running = False

    def arm(self, source: str) -> None:
        """Choose the trigger. Raises ScpiError for what the board does not have."""
        if source not in TRIGGERS:
            raise ScpiError(*ILLEGAL_VALUE)
        if not self._running:
            return
        self._trigger = source
        if source == "NOW":
            self._fire(self._clock.now_s())

    def generator_edge(self, rising: bool, time_s: float) -> None:
        """The generator of the same board started a waveform."""
        if self._trigger == ("AWG_PE" if rising else "AWG_NE"):
            self._fire(time_s)

    @property
    def dt_s(self) -> float:
        return self.decimation / CLOCK_HZ

    @property
    def trigger_position(self) -> int:
        """Sample of the buffer, counted from the oldest, at which the trigger came."""
        return max(BUFFER // 2 - self.delay, 0)

    def triggered(self) -> bool:
        return self._clock.now_s() >= self._triggered_s

    def filled(self) -> bool:
        if self._recording is None:
            return False
        self._wiring.poll(self._recording)
        return self._recording.volts is not None

    def counts(self, channel: int) -> NDArray[np.int16]:
        """The whole buffer, oldest sample first. Raises ScpiError unless it is full."""
        if channel not in (1, 2):
            raise ScpiError(*OUT_OF_RANGE)
        if not self.filled() or self._recording is None or self._recording.volts is None:
            raise ScpiError(*STALE)
        scaled = self._recording.volts[channel - 1] * (FULL_SCALE / RANGE_V[self.gain[channel]])
        return np.clip(np.rint(scaled), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)

    def block(self, channel: int, first: int, count: int) -> bytes:
        """`count` samples from `first` on (a ring), in the format and units that are set."""
        if not 0 <= first < BUFFER or not 1 <= count <= BUFFER:
            raise ScpiError(*OUT_OF_RANGE)
        counts = np.roll(self.counts(channel), -first)[:count]
        volts = counts * (RANGE_V[self.gain[channel]] / FULL_SCALE)
        raw = self.units == "RAW"
        if self.format == "ASCII":
            values = (str(c) for c in counts) if raw else (f"{v:.6f}" for v in volts)
            return ("{" + ",".join(values) + "}").encode()
        payload = counts.astype(">i2").tobytes() if raw else volts.astype(">f4").tobytes()
        length = str(len(payload))
        return f"#{len(length)}{length}".encode() + payload

    def _fire(self, time_s: float) -> None:
        if self._recording is not None:
            return
        self._triggered_s = time_s
        begin_s = time_s + (self.delay - BUFFER // 2) * self.dt_s
        self._recording = Recording(begin_s, self.dt_s, BUFFER, self.averaging)
        self._wiring.begin(self._recording)
