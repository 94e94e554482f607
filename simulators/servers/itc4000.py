"""Two Thorlabs ITC4000: one drives the seed diode, one the amplifier chip.

The amplifier's box has its rear input LD-ENABLE on the comparator of a seed photodiode.

Source: Series 4000 SCPI Programmers Reference Manual v3.3, and third-party drivers of the ITC4001
and ITC4005. The real boxes speak USBTMC only; here each listens on a socket.
"""

from simulators.scpi import UNDEFINED_HEADER, ScpiError, ScpiSession, boolean
from simulators.servers.itc4000_lasers import AmplifierLaser, Laser, SeedLaser
from simulators.servers.itc4000_scpi import ItcScpi, Setpoint, formatted, word_of
from simulators.wire import Link, VisaServer
from simulators.world.cooler import LEAST_C, MOST_C, Cooler
from simulators.world.ld_enable import LineMode
from simulators.world.light import LINE_LOW, TEMPERATURE
from simulators.world.world import World

NOT_NOW = (-221, "Settings conflict")
"""Output asked for while a protection forbids it."""
OVER_TEMPERATURE = "over-temperature"
RESPONSIVITY_A_PER_W = 0.5
DAC_STEPS = 1 << 16

KEYLOCK, INTERLOCK, CURRENT_LIMIT, INHIBITED = 1, 4, 8, 16
TEMPERATURE_PROTECTION, WINDOW_FAILURE, OVERHEATED = 256, 512, 16384


class Itc4000(ItcScpi):
    """One box. Use it with `world.lock` held.

    `*RST` and a power cycle switch both outputs off. A power cycle also brings back the settings
    that the box was delivered with: the highest current limit, a rear input that is ignored.
    """

    def __init__(
        self, world: World, laser: Laser, identity: str, most_a: float, limit_a: float
    ) -> None:
        super().__init__(identity)
        self._world = world
        self._light = world.light
        self._laser = laser
        self._most_a = most_a
        self._limit_a = limit_a
        self._line_mode: LineMode = "OFF"
        self._mode, self._shape = "CURR", "DC"
        self._compliance_v = 4.0
        self._add_laser()
        self._add_cooler()
        self._add_readings()
        self._add_protections()
        self.on("*RST", 0, lambda _s, _a: self.reset())

    @property
    def laser_name(self) -> str:
        """'seed' or 'amplifier'."""
        return self._laser.name

    @property
    def line_mode(self) -> LineMode:
        """What the box does with its rear input LD-ENABLE."""
        return self._line_mode

    def set_line_mode(self, mode: LineMode) -> None:
        self._line_mode = mode
        if self._laser.name == "amplifier":
            self._light.set_line(mode=mode)

    def reset(self) -> None:
        """Both outputs off, current to zero; limits and error queue stay."""
        self._laser.switch(False)
        self._light.set_cooler(self._laser.name, on=False)
        self._laser.set_current(0.0)
        self._mode, self._shape = "CURR", "DC"

    def mains_cycle(self) -> None:
        """Off and on at the mains: outputs off, errors forgotten. Limits and the mode of LD-ENABLE
        stand in the box's memory (assumed)."""
        self.reset()
        self.power_up()

    def power_cycle(self) -> None:
        """Off and on at the mains, its battery dead: as delivered."""
        self.mains_cycle()
        self._limit_a = self._most_a
        self.set_line_mode("OFF")

    def condition(self) -> int:
        """The register `STAT:MEAS:COND?`."""
        light, laser = self._light, self._laser
        trip = laser.trip
        bits = 0 if light.emission_button else KEYLOCK
        bits |= INTERLOCK if light.interlock_open else 0
        bits |= CURRENT_LIMIT if laser.flowing_a >= self._limit_a else 0
        bits |= INHIBITED if laser.inhibited else 0
        bits |= TEMPERATURE_PROTECTION if trip == TEMPERATURE else 0
        bits |= 0 if laser.cooler.ready(self._now_s()) else WINDOW_FAILURE
        bits |= OVERHEATED if trip == OVER_TEMPERATURE else 0
        return bits

    # --- the tables of commands --------------------------------------------------------------

    def _add_laser(self) -> None:
        laser = self._laser
        self.on("OUTPut#[:STATe]", 1, lambda s, a: self._switch(s[0], boolean(a[0])))
        self.on("OUTPut#[:STATe]?", 0, lambda s, _a: str(int(self._is_on(s[0]))))
        self.setpoint(
            "SOURce#:CURRent[:LEVel][:IMMediate][:AMPLitude]",
            Setpoint("A", lambda: laser.set_a, self._put_current, _zero, lambda: self._limit_a),
        )
        self.setpoint(
            "SOURce#:CURRent:LIMit[:AMPLitude]",
            Setpoint("A", lambda: self._limit_a, self._put_limit, _zero, lambda: self._most_a),
        )
        self.on("SOURce#:FUNCtion:MODE", 1, lambda _s, a: self._put_mode(a[0]))
        self.on("SOURce#:FUNCtion:MODE?", 0, lambda _s, _a: self._mode)
        self.on("SOURce#:FUNCtion:SHAPe", 1, lambda _s, a: self._put_shape(a[0]))
        self.on("SOURce#:FUNCtion:SHAPe?", 0, lambda _s, _a: self._shape)

    def _add_cooler(self) -> None:
        cooler = self._laser.cooler
        self.setpoint(
            "SOURce#:TEMPerature[:SPOint]",
            Setpoint(
                "C", lambda: cooler.set_c, self._put_temperature,
                lambda: LEAST_C, lambda: MOST_C, default=25.0, suffixes=(1, 2),
            ),
        )  # fmt: skip

    def _add_readings(self) -> None:
        laser = self._laser
        readings = {
            "TEMPerature": lambda: laser.cooler.temperature_c(self._now_s()),
            "CURRent1": lambda: laser.flowing_a,
            "VOLTage1": lambda: 0.0 if laser.flowing_a <= 0.0 else 1.5 + 0.3 * laser.flowing_a,
            "CURRent2": lambda: laser.photocurrent_a,
            "POWer2": lambda: laser.photocurrent_a / RESPONSIVITY_A_PER_W,
        }
        for name, read in readings.items():
            for verb in ("MEASure", "READ", "FETCh"):
                self.on(f"{verb}[:SCALar]:{name}?", 0, lambda _s, _a, r=read: formatted(r()))

    def _add_protections(self) -> None:
        trips = {
            "INTLock": lambda: self._light.interlock_open,
            "KEYLock": lambda: not self._light.emission_button,
            "OTEMperature": lambda: self._laser.trip == OVER_TEMPERATURE,
            "VOLTage": lambda: False,
            "EXTernal": self._line_tripped,
            "INTernal": lambda: False,
        }
        for name, tripped in trips.items():
            self.on(
                f"OUTPut:PROTection:{name}:TRIPped?", 0, lambda _s, _a, t=tripped: str(int(t()))
            )
        self.on("OUTPut:PROTection:EXTernal:MODE", 1, lambda _s, a: self._put_line_mode(a[0]))
        self.on("OUTPut:PROTection:EXTernal:MODE?", 0, lambda _s, _a: self._line_mode)
        self.setpoint(
            "OUTPut:PROTection:VOLTage",
            Setpoint("V", lambda: self._compliance_v, self._put_compliance, _zero, lambda: 11.0),
        )
        self.on("STATus:MEASurement:CONDition?", 0, lambda _s, _a: str(self.condition()))

    # --- what they do --------------------------------------------------------------------------

    def _now_s(self) -> float:
        self._light.advance()
        return self._world.clock.now_s()

    def _is_on(self, output: int) -> bool:
        if output == 1:
            return self._laser.on
        if output == 2:
            self._light.advance()
            return self._laser.cooler.on
        raise ScpiError(*UNDEFINED_HEADER)

    def _switch(self, output: int, on: bool) -> None:
        if output == 2:
            self._light.set_cooler(self._laser.name, on=on)
        elif output != 1:
            raise ScpiError(*UNDEFINED_HEADER)
        elif on and not self._laser.on:
            forbidding = KEYLOCK | INTERLOCK | WINDOW_FAILURE
            # 'ENAB' inhibits the current and leaves the output on; 'PROT' refuses to switch on.
            forbidding |= INHIBITED if self._line_mode == "PROT" else 0
            if self.condition() & forbidding:
                raise ScpiError(*NOT_NOW)
            self._laser.switch(True)
        elif not on:
            self._laser.switch(False)

    def _line_tripped(self) -> bool:
        return self._line_mode == "PROT" and self._laser.trip == LINE_LOW

    def _put_current(self, current_a: float) -> None:
        step_a = self._most_a / DAC_STEPS
        self._laser.set_current(min(round(current_a / step_a) * step_a, self._limit_a))

    def _put_limit(self, limit_a: float) -> None:
        """A limit below the present setpoint takes the setpoint with it."""
        self._limit_a = limit_a
        if self._laser.set_a > limit_a:
            self._laser.set_current(limit_a)

    def _put_mode(self, text: str) -> None:
        self._while_off()
        self._mode = word_of(text, {"CURRENT": "CURR", "POWER": "POW"})

    def _put_shape(self, text: str) -> None:
        self._while_off()
        self._shape = word_of(text, {"DC": "DC", "PULSE": "PULS"})

    def _while_off(self) -> None:
        if self._laser.on:
            raise ScpiError(*NOT_NOW)

    def _put_temperature(self, celsius: float) -> None:
        self._light.set_cooler(self._laser.name, set_c=celsius)

    def _put_line_mode(self, text: str) -> None:
        word = word_of(text, {"OFF": "OFF", "PROTECTION": "PROT", "ENABLE": "ENAB"})
        self.set_line_mode(word)  # pyright: ignore[reportArgumentType] one of the three

    def _put_compliance(self, volts: float) -> None:
        self._compliance_v = volts


def _zero() -> float:
    return 0.0


class ItcSession(ScpiSession):
    """One connection to a box, in step with the world."""

    def __init__(self, link: Link, world: World, box: Itc4000) -> None:
        super().__init__(link, box, b"\n")
        self._world = world

    def line(self, line: bytes) -> bytes:
        with self._world.lock:
            return super().line(line)


def make_pair(world: World) -> tuple[Itc4000, Itc4000]:
    """(seed's box, amplifier's box) as a lab leaves them: line armed, coolers settled."""
    light, truth = world.light, world.truth.light
    with world.lock:
        now_s = world.clock.now_s()
        light.use_pair(Cooler(now_s, settled=True), Cooler(now_s, settled=True))
        seed = Itc4000(
            world, SeedLaser(light, truth.seed_photodiode_ma_per_mw),
            "THORLABS,ITC4001,M00310001,1.4.0/2.0.3/1.6.0", most_a=1.0, limit_a=0.1,
        )  # fmt: skip
        amplifier = Itc4000(
            world, AmplifierLaser(light, truth.output_photodiode_ma_per_mw),
            "THORLABS,ITC4005,M00310002,1.4.0/2.0.3/1.6.0", most_a=5.0,
            limit_a=truth.amplifier_maximum_a,
        )  # fmt: skip
        amplifier.set_line_mode("PROT")
    return seed, amplifier


async def start(world: World) -> dict[str, VisaServer]:
    """Start both boxes: `amplifier`, and the seed's `amplifier_seed`."""
    seed, amplifier = make_pair(world)
    light = world.light
    servers: dict[str, VisaServer] = {}
    for name, box in (("amplifier", amplifier), ("amplifier_seed", seed)):

        def session(link: Link, box: Itc4000 = box) -> ItcSession:
            return ItcSession(link, world, box)

        def power_up(box: Itc4000 = box) -> None:
            with world.lock:
                box.mains_cycle()

        def run_away(begun: bool, laser: str = box.laser_name) -> None:
            with world.lock:
                light.set_cooler(laser, runaway=begun)

        server = VisaServer(name, session, world.streams[f"garble {name}"], power_up)
        server.faults["restart"] = box.power_cycle
        server.lasting["runaway"] = run_away
        server.faults["temperature_runaway"] = lambda laser=box.laser_name: light.set_cooler(
            laser, runaway=True
        )
        await server.start()
        servers[name] = server
    servers["amplifier"].faults["ld_enable_stuck"] = lambda: light.set_line(stuck=True)
    return servers
