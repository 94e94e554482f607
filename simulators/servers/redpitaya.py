"""A Red Pitaya with its SCPI server: digital pins, generator, acquisition.

Commands after the board's own documentation (readthedocs.io, 'List of supported SCPI commands');
CR LF ends every answer; setters and refused queries are silent, refusals go to the error queue.
The board in each role is the same; `redpitaya_wiring` says where its cables lead.
"""

from dataclasses import dataclass

from simulators.scpi import (
    ILLEGAL_VALUE,
    OUT_OF_RANGE,
    ScpiError,
    ScpiInstrument,
    ScpiSession,
    boolean,
    choice,
    limited,
)
from simulators.servers.redpitaya_digitiser import BUFFER, CLOCK_HZ, DECIMATIONS, Digitiser
from simulators.servers.redpitaya_wiring import Role, Waveform, wiring
from simulators.wire import Link, VisaServer
from simulators.world.quench import PulseTrain
from simulators.world.world import World

PINS = tuple(f"DIO{n}_{side}" for n in range(8) for side in "PN")
LEDS = tuple(f"LED{n}" for n in range(8))
ANALOG_OUTPUTS = tuple(f"AOUT{n}" for n in range(4))
ANALOG_INPUTS = tuple(f"AIN{n}" for n in range(4))
SHAPES = ("SINE", "SQUARE", "TRIANGLE", "SAWU", "SAWD", "PWM", "DC", "DC_NEG", "ARBITRARY")
FREQUENCY_UNITS = {"HZ": 1.0, "KHZ": 1e3, "MHZ": 1e6}


@dataclass
class Output:
    """Settings of one generator output."""

    shape: str = "SINE"
    frequency_hz: float = 1000.0
    amplitude_v: float = 1.0
    offset_v: float = 0.0
    duty: float = 0.5
    burst: bool = False
    cycles: int = 1
    repetitions: int = 1
    on: bool = False

    def waveform(self) -> Waveform:
        """What it plays when started: rectangles and levels as pulses, every shape with its name
        and numbers."""
        high_v = self.offset_v + self.amplitude_v
        low_v = self.offset_v - self.amplitude_v
        if self.shape == "DC":
            level = PulseTrain(0.0, 1.0, 1.0, float("inf"))
            return Waveform(high_v, high_v, level, offset_v=self.offset_v)
        period_s = 1.0 / self.frequency_hz
        width_s = period_s * (self.duty if self.shape == "PWM" else 0.5)
        count = self.cycles * self.repetitions if self.burst else float("inf")
        if self.shape not in ("PWM", "SQUARE"):
            high_v = low_v
        return Waveform(
            low_v,
            high_v,
            PulseTrain(0.0, period_s, width_s, count),
            shape=self.shape,
            frequency_hz=self.frequency_hz,
            amplitude_v=self.amplitude_v,
            offset_v=self.offset_v,
            cycles=count,
        )


class RedPitaya(ScpiInstrument):
    """One board."""

    def __init__(self, world: World, role: Role) -> None:
        super().__init__("REDPITAYA,INSTR2023,0,01-02")
        self._wiring = wiring(world, role)
        self._digitiser = Digitiser(world, self._wiring)
        self._outputs = {1: Output(), 2: Output()}
        self._driven: set[str] = set(LEDS)
        self._levels = dict.fromkeys((*PINS, *LEDS), False)
        self._analog = dict.fromkeys(ANALOG_OUTPUTS, 0.0)
        self.on("SYSTem:BRD:ID?", 0, lambda _s, _a: "4")
        self.on("SYSTem:BRD:Name?", 0, lambda _s, _a: "STEMlab 125-14 v1.0")
        self.on("RP:LOGmode", 1, lambda _s, a: self._set_log(a[0]))
        self._pin_commands()
        self._generator_commands()
        self._acquisition_commands()
        self.on("*RST", 0, lambda _s, _a: self._reset_generator())

    def power_up(self) -> None:
        super().power_up()
        self._reset_pins()
        self._reset_analog()
        self._levels.update(dict.fromkeys(LEDS, False))
        self._reset_generator()
        self._digitiser.reset()

    def _set_log(self, text: str) -> None:
        choice(text, ("OFF", "CONSOLE", "SYSLOG"))

    # --- pins -----------------------------------------------------------------------------------

    def _pin_commands(self) -> None:
        self.on("DIGital:RST", 0, lambda _s, _a: self._reset_pins())
        self.on("DIGital:PIN:DIR", 2, lambda _s, a: self._direct(choice(a[0], ("IN", "OUT")), a[1]))
        self.on("DIGital:PIN:DIR?", 1, lambda _s, a: self._direction(a[0]))
        self.on("DIGital:PIN", 2, lambda _s, a: self._set_pin(a[0], boolean(a[1])))
        self.on("DIGital:PIN?", 1, lambda _s, a: str(int(self._read_pin(a[0]))))
        self.on("ANALOG:RST", 0, lambda _s, _a: self._reset_analog())
        self.on("ANALOG:PIN", 2, lambda _s, a: self._set_analog(a[0], a[1]))
        self.on("ANALOG:PIN?", 1, lambda _s, a: self._read_analog(a[0]))

    def _direct(self, direction: str, pin: str) -> None:
        pin = choice(pin, PINS)
        if direction == "OUT":
            self._driven.add(pin)
            self._wiring.drive(pin, self._levels[pin])
        else:
            self._driven.discard(pin)
            # the line is pulled down when nobody drives it
            self._wiring.drive(pin, False)

    def _direction(self, pin: str) -> str:
        return "OUT" if choice(pin, PINS) in self._driven else "IN"

    def _set_pin(self, pin: str, high: bool) -> None:
        pin = choice(pin, PINS + LEDS)
        if pin not in self._driven:
            raise ScpiError(-221, f"Settings conflict;{pin} is an input")
        self._levels[pin] = high
        if pin not in LEDS:
            self._wiring.drive(pin, high)

    def _read_pin(self, pin: str) -> bool:
        pin = choice(pin, PINS + LEDS)
        return self._levels[pin] if pin in self._driven else self._wiring.sense(pin)

    def _reset_pins(self) -> None:
        for pin in PINS:
            self._levels[pin] = False
            self._direct("IN", pin)

    def _reset_analog(self) -> None:
        self._analog = dict.fromkeys(ANALOG_OUTPUTS, 0.0)

    def _set_analog(self, pin: str, volts: str) -> None:
        self._analog[choice(pin, ANALOG_OUTPUTS)] = limited(volts, 0.0, 1.8)

    def _read_analog(self, pin: str) -> str:
        pin = choice(pin, ANALOG_OUTPUTS + ANALOG_INPUTS)
        return f"{self._analog.get(pin, 0.0):.3f}"

    # --- generator --------------------------------------------------------------------------------

    def _generator_commands(self) -> None:
        def limits(field: str, header: str, low: float, high: float, form: str = "g") -> None:
            units = FREQUENCY_UNITS if field == "frequency_hz" else None

            def store(suffixes: tuple[int, ...], arguments: list[str]) -> None:
                value = limited(arguments[0], low, high, units)
                output = self._output(suffixes)
                setattr(output, field, type(getattr(output, field))(value))
                if output.on:
                    self._wiring.adjust(suffixes[0], output.waveform())

            self.on(header, 1, store)
            self.on(f"{header}?", 0, lambda s, _a: f"{getattr(self._output(s), field):{form}}")

        limits("frequency_hz", "SOURce#:FREQuency[:FIXed]", 1e-6, 50e6, ".9g")
        limits("amplitude_v", "SOURce#:VOLTage", 0.0, 1.0, ".6g")
        limits("offset_v", "SOURce#:VOLTage:OFFSet", -1.0, 1.0, ".6g")
        limits("duty", "SOURce#:DCYCle", 0.0, 1.0, ".9g")
        limits("cycles", "SOURce#:BURSt:NCYCles", 1, 65536, "d")
        limits("repetitions", "SOURce#:BURSt:NORepetitions", 1, 65536, "d")
        self.on("SOURce#:FUNCtion", 1, self._set_shape)
        self.on("SOURce#:FUNCtion?", 0, lambda s, _a: self._output(s).shape)
        self.on("SOURce#:BURSt:STATe", 1, self._set_burst)
        self.on(
            "SOURce#:BURSt:STATe?",
            0,
            lambda s, _a: "BURST" if self._output(s).burst else "CONTINUOUS",
        )
        self.on("OUTPut#:STATe", 1, lambda s, a: self._switch(s, boolean(a[0])))
        self.on("OUTPut#:STATe?", 0, lambda s, _a: str(int(self._output(s).on)))
        self.on("SOURce#:TRIGger:INT", 0, lambda s, _a: self._play(s))
        self.on("GENerator:RST", 0, lambda _s, _a: self._reset_generator())

    def _output(self, suffixes: tuple[int, ...]) -> Output:
        if suffixes[0] not in self._outputs:
            raise ScpiError(*OUT_OF_RANGE)
        return self._outputs[suffixes[0]]

    def _set_shape(self, suffixes: tuple[int, ...], arguments: list[str]) -> None:
        self._output(suffixes).shape = choice(arguments[0], SHAPES)

    def _set_burst(self, suffixes: tuple[int, ...], arguments: list[str]) -> None:
        word = choice(arguments[0], ("BURST", "CONTINUOUS", "ON", "OFF"))
        self._output(suffixes).burst = word in ("BURST", "ON")

    def _switch(self, suffixes: tuple[int, ...], on: bool) -> None:
        output = self._output(suffixes)
        output.on = on
        if not on:
            self._wiring.play(suffixes[0], None)
        elif not output.burst:
            self._play(suffixes)

    def _play(self, suffixes: tuple[int, ...]) -> None:
        output = self._output(suffixes)
        if output.on:
            start_s = self._wiring.play(suffixes[0], output.waveform())
            self._digitiser.generator_edge(True, start_s)

    def _reset_generator(self) -> None:
        for number in self._outputs:
            self._outputs[number] = Output()
            self._wiring.play(number, None)

    # --- acquisition ------------------------------------------------------------------------------

    def _acquisition_commands(self) -> None:
        adc = self._digitiser
        self.on("ACQuire:RST", 0, lambda _s, _a: adc.reset())
        self.on("ACQuire:START", 0, lambda _s, _a: adc.start())
        self.on("ACQuire:STOP", 0, lambda _s, _a: adc.stop())
        self.on("ACQuire:DEC", 1, lambda _s, a: self._set_decimation(a[0]))
        self.on("ACQuire:DEC?", 0, lambda _s, _a: str(adc.decimation))
        self.on("ACQuire:AVG", 1, lambda _s, a: setattr(adc, "averaging", boolean(a[0])))
        self.on("ACQuire:AVG?", 0, lambda _s, _a: "ON" if adc.averaging else "OFF")
        self.on("ACQuire:SRATe?", 0, lambda _s, _a: f"{CLOCK_HZ / adc.decimation:.0f} Hz")
        self.on("ACQuire:BUF:SIZE?", 0, lambda _s, _a: str(BUFFER))
        self.on("ACQuire:TPOS?", 0, lambda _s, _a: str(adc.trigger_position))
        self.on("ACQuire:WPOS?", 0, lambda _s, _a: "0")
        self.on("ACQuire:TRIGger", 1, lambda _s, a: adc.arm(a[0].upper()))
        status = "ACQuire:TRIGger:STATus?"
        self.on(status, 0, lambda _s, _a: "TD" if adc.triggered() else "WAIT")
        self.on("ACQuire:TRIGger:FILL?", 0, lambda _s, _a: str(int(adc.filled())))
        self.on("ACQuire:TRIGger:DLY", 1, lambda _s, a: self._set_delay(a[0]))
        self.on("ACQuire:TRIGger:DLY?", 0, lambda _s, _a: str(adc.delay))
        self.on("ACQuire:TRIGger:LEVel", 1, lambda _s, a: self._set_level(a[0]))
        self.on("ACQuire:TRIGger:LEVel?", 0, lambda _s, _a: f"{adc.level_v:.6g}")
        formats, units = ("ASCII", "BIN"), ("VOLTS", "RAW")
        data = "ACQuire:DATA"
        self.on(f"{data}:FORMAT", 1, lambda _s, a: setattr(adc, "format", choice(a[0], formats)))
        self.on(f"{data}:FORMAT?", 0, lambda _s, _a: adc.format)
        self.on(f"{data}:UNITS", 1, lambda _s, a: setattr(adc, "units", choice(a[0], units)))
        self.on(f"{data}:UNITS?", 0, lambda _s, _a: adc.units)
        self.on("ACQuire:SOURce#:GAIN", 1, self._set_gain)
        self.on("ACQuire:SOURce#:GAIN?", 0, lambda s, _a: adc.gain[self._channel(s)])
        source = "ACQuire:SOURce#:DATA"
        self.on(f"{source}?", 0, lambda s, _a: adc.block(s[0], 0, BUFFER))
        self.on(f"{source}:OLD:N?", 1, lambda s, a: adc.block(s[0], 0, _count(a[0])))
        self.on(
            f"{source}:LATest:N?",
            1,
            lambda s, a: adc.block(s[0], BUFFER - _count(a[0]), _count(a[0])),
        )
        self.on(
            f"{source}:STArt:N?", 2, lambda s, a: adc.block(s[0], _position(a[0]), _count(a[1]))
        )
        self.on(
            f"{source}:STArt:END?",
            2,
            lambda s, a: adc.block(
                s[0], _position(a[0]), (_position(a[1]) - _position(a[0])) % BUFFER + 1
            ),
        )

    def _channel(self, suffixes: tuple[int, ...]) -> int:
        if suffixes[0] not in (1, 2):
            raise ScpiError(*OUT_OF_RANGE)
        return suffixes[0]

    def _set_gain(self, suffixes: tuple[int, ...], arguments: list[str]) -> None:
        self._digitiser.gain[self._channel(suffixes)] = choice(arguments[0], ("LV", "HV"))

    def _set_decimation(self, text: str) -> None:
        value = limited(text, 1, DECIMATIONS[-1])
        if value not in DECIMATIONS:
            raise ScpiError(*ILLEGAL_VALUE)
        self._digitiser.decimation = int(value)

    def _set_delay(self, text: str) -> None:
        self._digitiser.delay = int(limited(text, -BUFFER // 2, 2**30))

    def _set_level(self, text: str) -> None:
        self._digitiser.level_v = limited(text, -20.0, 20.0)


def _count(text: str) -> int:
    return int(limited(text, 1, BUFFER))


def _position(text: str) -> int:
    return int(limited(text, 0, BUFFER - 1))


async def start(world: World, role: Role, port: int = 0) -> VisaServer:
    """Start the Red Pitaya of `world` in `role`."""
    board = RedPitaya(world, role)

    def session(link: Link) -> ScpiSession:
        return ScpiSession(link, board, b"\r\n")

    server = VisaServer(role, session, world.streams[f"garble {role}"], board.power_up)
    await server.start(port)
    return server
