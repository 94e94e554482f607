"""The Red Pitaya that scans the transfer cavity: ramp on OUT1, laser's piezo on OUT2, photodiodes
of 811 nm on IN1 and of 819 nm on IN2.

One record is one burst of two triangles, which starts and ends at the ramp's offset, triggered by
the generator itself: no other line tells where on the ramp a sample lies. The laser's voltage is
the offset of a waveform of amplitude 0, which may have either sign.
"""

import math

import numpy as np

from drivers.errors import DeviceFault
from drivers.redpitaya import (
    BUFFER_SAMPLES,
    FEWEST_SAMPLES,
    GENERATOR_TOLERANCE,
    SAMPLE_RATE_HZ,
    RedPitaya,
    shortest_decimation,
)
from drivers.stcl.regulators import Outputs
from drivers.stcl.settings import StclSettings
from drivers.stcl.sweep import END, ScanTraces

CYCLES = 2
LEVEL_TOLERANCE_V = 2e-5
"""The board answers with six digits; the converter's own step is 122 uV."""


class StclBoard(RedPitaya):
    """`CavityBench` on one board. Only the lock's thread uses it once it runs."""

    def __init__(
        self,
        name: str,
        resource: str,
        settings: StclSettings,
        *,
        timeout_s: float = 1.0,
        margin_s: float = 1.0,
    ) -> None:
        super().__init__(name, resource, timeout_s=timeout_s, margin_s=margin_s)
        self._settings = settings
        record_s = END / settings.ramp_hz
        decimation = shortest_decimation(record_s)
        self._dt_s = decimation / SAMPLE_RATE_HZ
        self._samples = max(FEWEST_SAMPLES, min(BUFFER_SAMPLES, math.ceil(record_s / self._dt_s)))
        self._decimation = decimation

    def standing(self) -> Outputs | None:
        """Voltages that the board puts out now; None when it does not drive the laser, as after a
        restart."""
        line = self.line
        if not line.query_flag("OUTPUT2:STATE?") or line.query("SOUR2:FUNC?") != "DC":
            return None
        ramp_v = line.query_number("SOUR1:VOLT:OFFS?")
        return Outputs(ramp_v, line.query_number("SOUR2:VOLT:OFFS?"))

    def prepare(self, outputs: Outputs) -> None:
        """Ramp, laser and acquisition as the lock needs them, each read back. What already stands
        is written again with the same value, which moves nothing."""
        s, line = self._settings, self.line
        line.write("SOUR2:FUNC DC")
        self._set_number("SOUR2:VOLT", 0.0)
        self._set_level(2, outputs.laser_v)
        line.write("OUTPUT2:STATE ON")
        line.write("SOUR1:FUNC TRIANGLE")
        self._set_number("SOUR1:FREQ:FIX", s.ramp_hz, GENERATOR_TOLERANCE)
        self._set_number("SOUR1:VOLT", s.ramp_amplitude_v, GENERATOR_TOLERANCE)
        self._set_level(1, outputs.ramp_offset_v)
        line.write("SOUR1:BURS:STAT BURST")
        self._set_number("SOUR1:BURS:NCYC", CYCLES)
        line.write("SOUR1:BURS:NOR 1")
        line.write("OUTPUT1:STATE ON")
        for output in (1, 2):
            if not line.query_flag(f"OUTPUT{output}:STATE?"):
                raise DeviceFault(self.name, f"OUT{output} stays off", "restart the board")
        line.write("ACQ:RST")
        line.write("ACQ:DATA:FORMAT BIN")
        line.write("ACQ:DATA:UNITS VOLTS")
        line.write("ACQ:AVG ON")
        line.write("ACQ:SOUR1:GAIN LV")
        line.write("ACQ:SOUR2:GAIN LV")
        self._set_number("ACQ:TRIG:DLY", self._samples - FEWEST_SAMPLES)
        self._set_number("ACQ:DEC", self._decimation)
        line.check_errors()

    def record_sweep(self) -> ScanTraces:
        """One burst of the ramp and both photodiodes."""
        line = self.line
        line.write("ACQ:START")
        line.write("ACQ:TRIG AWG_PE")
        line.write("SOUR1:TRIG:INT")
        begun_s = self.monotonic()
        deadline = begun_s + self._samples * self._dt_s + self._margin_s
        self._wait_for("ACQ:TRIG:STAT?", "TD", deadline)
        self._wait_for("ACQ:TRIG:FILL?", "1", deadline)
        master, slave = (self._read_buffer(channel) for channel in (1, 2))
        first = BUFFER_SAMPLES - self._samples
        return ScanTraces(master[first:], slave[first:], self._dt_s, begun_s)

    def put_out(self, outputs: Outputs) -> None:
        """Set the ramp's offset and the laser's actuator, and read them back."""
        self._set_level(1, outputs.ramp_offset_v)
        self._set_level(2, outputs.laser_v)

    def _set_level(self, output: int, volts: float) -> None:
        command = f"SOUR{output}:VOLT:OFFS"
        self.line.write(f"{command} {volts:.6f}")
        kept = self.line.query_number(f"{command}?")
        if not np.isclose(kept, volts, rtol=0.0, atol=LEVEL_TOLERANCE_V):
            raise DeviceFault(
                self.name,
                f"OUT{output} was set to {volts:.6f} V but reads {kept:.6f} V",
                "check the OS version of the board",
            )
