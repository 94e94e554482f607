"""Manual control: what the operator moves by hand between the runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from atta_daq.client.client import CommandRefused
from atta_daq.rig.config import RigConfig
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.light import LightControl
from atta_daq.rig.models import Interval
from atta_daq.rig.trap_control import TrapControl
from atta_daq.station.arguments import ISOTOPES, Arguments, flag, isotope, number
from atta_daq.station.control import Control
from atta_daq.station.log import Say
from atta_daq.station.rig_use import RigUse
from atta_daq.station.server import Handler
from drivers.errors import DriverError


class Manual:
    """Handlers of the moves. Limits are the drivers'; every move is said with who asked."""

    def __init__(
        self,
        instruments: Instruments,
        config: RigConfig,
        light: LightControl,
        trap: TrapControl,
        control: Control,
        use: RigUse,
        say: Say,
    ) -> None:
        self._instruments = instruments
        self._config = config
        self._light = light
        self._trap = trap
        self._control = control
        self._use = use
        self._say = say

    def handlers(self) -> Mapping[str, Handler]:
        """Handler of each command."""
        return {
            "light_on": self.light_on,
            "light_off": self.light_off,
            "move_light": self.move_light,
            "jump": self.jump,
            "seed": self.seed,
            "seed_current": self.seed_current,
            "amplifier": self.amplifier,
            "amplifier_current": self.amplifier_current,
            "sideband": self.sideband,
            "relock": self.relock,
            "freeze_lock": self.freeze_lock,
            "trap": self.trap,
            "pumping": self.pumping,
            "zero_power_meter": self.zero_power_meter,
        }

    # --- light ---

    def light_on(self, client: str, _arguments: Arguments) -> object:
        with self._move(client, "light on"):
            self._light.switch_on(self._use.stopped)
        return {"light": "on"}

    def light_off(self, client: str, _arguments: Arguments) -> object:
        with self._move(client, "light off"):
            self._light.switch_off()
        return {"light": "off"}

    def move_light(self, client: str, arguments: Arguments) -> object:
        units = {"detuning_mhz": "MHz", "power_mw": "mW"}
        wanted = {name: number(arguments, name) for name in units if name in arguments}
        if not wanted:
            raise CommandRefused("neither detuning_mhz nor power_mw was given")
        detuning, power = wanted.get("detuning_mhz"), wanted.get("power_mw")
        where = ", ".join(f"{value:g} {units[name]}" for name, value in wanted.items())
        with self._move(client, f"light to {where}", beside=True):
            self._light.steer(detuning, power)
            return self._where()

    def jump(self, client: str, arguments: Arguments) -> object:
        mass, line = isotope(arguments), arguments.get("line") or None
        what = f"light to {mass}Kr" + (f", {line}" if line else "")
        with self._move(client, what, beside=True):
            detuning = self._light.line_as_set_mhz(mass, line)
            self._light.steer(detuning)
            return {"detuning_set_mhz": detuning, **self._where()}

    def seed(self, client: str, arguments: Arguments) -> object:
        on, amplifier = flag(arguments, "on"), self._instruments.amplifier
        with self._move(client, f"seed {_word(on)}"):
            amplifier.seed_on() if on else amplifier.seed_off()
        return {"on": on}

    def seed_current(self, client: str, arguments: Arguments) -> object:
        current = number(arguments, "current_ma")
        with self._move(client, f"seed current {current:g} mA", beside=True):
            self._instruments.amplifier.set_seed_current(current)
        return {"current_ma": current}

    def amplifier(self, client: str, arguments: Arguments) -> object:
        on, amplifier = flag(arguments, "on"), self._instruments.amplifier
        with self._move(client, f"amplifier {_word(on)}"):
            amplifier.amplifier_on() if on else amplifier.amplifier_off()
        return {"on": on}

    def amplifier_current(self, client: str, arguments: Arguments) -> object:
        current = number(arguments, "current_ma")
        with self._move(client, f"amplifier current {current:g} mA", beside=True):
            self._instruments.amplifier.set_amplifier_current(current)
        return {"current_ma": current}

    def sideband(self, client: str, arguments: Arguments) -> object:
        """Sets what is given; off comes first, on comes last."""
        if not arguments:
            raise CommandRefused("give frequency_mhz, power_dbm, on, or several of them")
        frequency = number(arguments, "frequency_mhz") if "frequency_mhz" in arguments else None
        power = number(arguments, "power_dbm") if "power_dbm" in arguments else None
        on = flag(arguments, "on") if "on" in arguments else None
        limits, generator = self._config.sideband, self._instruments.sideband
        # The driver refuses each in its turn; here neither is sent when one is wrong.
        _require_inside("sideband frequency", frequency, limits.frequency_mhz, "MHz")
        _require_inside("sideband power", power, limits.power_dbm, "dBm")
        what = " ".join(f"{key} {value}" for key, value in arguments.items())
        with self._move(client, f"sideband {what}", beside=True):
            if on is False:
                generator.rf_off()
            if frequency is not None:
                generator.set_frequency(frequency)
            if power is not None:
                generator.set_power(power)
            if on:
                generator.rf_on()
            status = generator.status()
        return {
            "frequency_mhz": status.frequency_mhz, "power_dbm": status.power_dbm,
            "on": status.rf_on,
        }  # fmt: skip

    def relock(self, client: str, _arguments: Arguments) -> object:
        with self._move(client, "relock", paused=True):
            self._instruments.lock.relock()
        return {"lock": "closed"}

    def freeze_lock(self, client: str, _arguments: Arguments) -> object:
        """The actuator holds at once: a relock or move of the lock under way ends by it, and moves
        that wait are refused."""
        self._control.require(client)
        now = self._use.overrule(f"the lock was frozen by {client}")
        # A lock that does not answer is told, and tells, once more.
        with suppress(DriverError):
            self._instruments.lock.freeze()
        # And again behind what was under way, which may have come to the lock only then.
        with self._use.as_of(now), self._move(client, "lock frozen", paused=True):
            self._instruments.lock.freeze()
        return {"lock": "frozen"}

    # --- trap ---

    def trap(self, client: str, arguments: Arguments) -> object:
        mass = isotope(arguments, (*ISOTOPES, 0))
        with self._move(client, f"trap to {mass}Kr" if mass else "trap off every isotope"):
            # The interlock needs a camera that stands still, whoever left it running.
            self._instruments.camera.stop()
            self._trap.light_on()
            self._trap.to(mass)
        return {"isotope": mass}

    def pumping(self, client: str, arguments: Arguments) -> object:
        on = flag(arguments, "on")
        with self._move(client, f"819-nm light {'on' if on else 'off'} the atoms", beside=True):
            self._trap.pump(on)
        return {"on": on}

    def zero_power_meter(self, client: str, _arguments: Arguments) -> object:
        """The driver refuses it while light falls on the head."""
        meter = self._instruments.power_meter
        if meter is None:
            raise CommandRefused("the rig file names no power meter")
        with self._move(client, "power meter zeroed"):
            meter.zero()
            return {"dark_mw": meter.read().dark_mw}

    @contextmanager
    def _move(
        self, client: str, what: str, *, beside: bool = False, paused: bool = False
    ) -> Iterator[None]:
        self._control.require(client)
        try:
            with self._use.move(beside=beside, paused=paused):
                try:
                    yield
                finally:
                    # The next run sets everything anew, whatever was moved here.
                    self._light.forget()
        except DriverError as error:
            broken_off = self._use.stopped()
            raise CommandRefused(f"{broken_off}; {error}" if broken_off else str(error)) from error
        self._say(what, "info", client)

    def _where(self) -> dict[str, float | None]:
        setting = self._light.read()
        return {"detuning_mhz": setting.detuning_mhz, "power_mw": setting.power_mw}


def _word(on: bool) -> str:
    return "on" if on else "off"


def _require_inside(what: str, value: float | None, allowed: Interval, unit: str) -> None:
    if value is not None and not allowed.low <= value <= allowed.high:
        raise CommandRefused(
            f"{what} {value:g} {unit} is outside {allowed.low:g} to {allowed.high:g} {unit}: "
            "choose a value inside, or change the limit in the rig file"
        )
