"""The whole simulated rig: one world and the servers of all instruments."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from simulators.boxes import BOXES, chosen
from simulators.derived import derived_truth
from simulators.faults import BOOT_S, LATE_S, WIRE_FAULTS, WireFault
from simulators.servers.areadetector import AreaDetector
from simulators.servers.areadetector_frames import (
    CAMERA_FAULT_PARAMETERS,
    CAMERA_FAULTS,
    CameraFault,
)
from simulators.servers.slow_pvs import SLOW_FAULTS, SlowPvs
from simulators.wire import WireServer
from simulators.world.world import World


class SimulatedRig:
    """Starts and stops every server; knows which fault belongs to which instrument.

    `boxes` chooses the box of a role where it is not the first of `BOXES`; ValueError for one
    that does not exist.
    """

    def __init__(self, world: World, boxes: Mapping[str, str] | None = None) -> None:
        self.world = world
        self.boxes = chosen(boxes or {})
        self.servers: dict[str, WireServer] = {}
        self._camera: AreaDetector | None = None
        self._slow: SlowPvs | None = None
        self._derived = derived_truth(world)
        light, cavity, scan = world.light, world.cavity, world.scan
        self._faults: dict[tuple[str, str], Callable[..., None]] = {
            ("amplifier", "trip"): lambda reason="driver tripped": light.trip_amplifier(
                str(reason)
            ),
            ("amplifier", "seed_loss"): lambda kept=0.0, decay_s=1e-3: light.lose_seed(
                _number("kept", kept, 0.0, 1.0), _number("decay_s", decay_s, 1e-6, 1e6)
            ),
            ("amplifier", "interlock_open"): lambda: light.set_interlock(True),
            ("amplifier", "key_off"): lambda: light.set_emission_button(False),
            ("lock", "mode_hop"): lambda jump_mhz=None, multimode=True: cavity.hop(
                None if jump_mhz is None else _number("jump_mhz", jump_mhz, -1e5, 1e5),
                bool(multimode),
            ),
            ("lock", "pickoff_after_eom"): lambda: setattr(scan, "pickoff_after_eom", True),
            ("lock", "swapped_photodiodes"): lambda: setattr(scan, "swapped_photodiodes", True),
            ("lock", "ramp_polarity"): lambda: setattr(scan, "inverted_ramp", True),
            ("slow_control", "pressure_spike"): lambda factor=50.0: world.vacuum.spike(
                _number("factor", factor, 1.0, 1e6)
            ),
            ("slow_control", "discharge_off"): lambda: world.vacuum.set_rf(False),
            ("lock", "cavity_jump"): lambda mhz=100.0: cavity.jump(_number("mhz", mhz, -1e5, 1e5)),
        }

    async def start(self) -> None:
        for role, driver in self.boxes.items():
            for name, server in (await BOXES[role][driver](self.world)).items():
                if isinstance(server, AreaDetector):
                    self._camera = server
                elif isinstance(server, SlowPvs):
                    self._slow = server
                else:
                    self.servers[name] = server

    async def stop(self) -> None:
        if self._camera is not None:
            await self._camera.close()
            self._camera = None
        if self._slow is not None:
            await self._slow.close()
            self._slow = None
        for server in reversed(list(self.servers.values())):
            await server.stop()
        self.servers.clear()

    def addresses(self) -> dict[str, Any]:
        """Contents of the ports file but for the control socket."""
        clock = self.world.clock
        addresses: dict[str, Any] = {name: s.address for name, s in self.servers.items()}
        if self._camera is not None:
            addresses["camera"] = self._camera.address
        if self._slow is not None:
            addresses["slow_control"] = self._slow.address
        addresses["pva_tcp_ports"] = {
            name: server.tcp_port
            for name, server in (("camera", self._camera), ("slow_control", self._slow))
            if server is not None
        }
        addresses["drivers"] = self.boxes
        addresses["clock"] = {
            "origin_s": clock.origin_s,
            "speed": clock.speed,
            "steady_origin_s": clock.steady_origin_s,
        }
        return addresses

    # --- the control socket ---------------------------------------------------------------------

    def truth(self) -> dict[str, Any]:
        """Truth, seed, speed and what follows from them."""
        return {
            **self.world.truth.model_dump(mode="json"),
            "seed": self.world.streams.seed,
            "speed": self.world.clock.speed,
            "derived": self._derived,
        }

    def status(self) -> dict[str, Any]:
        """What is really the case now."""
        world = self.world
        with world.lock:
            light, amplifier = world.light, world.light.amplifier
            field = light.field()
            return {
                "rig_time_s": world.clock.now_s(),
                "detuning_mhz": field.detuning_mhz,
                "lock_error": (
                    world.cavity.firmware.error_code()
                    if world.cavity.controller is world.cavity.firmware
                    else 0
                ),
                "lock_actuator_mhz": world.cavity.controller.laser_mhz,
                "seed_power_mw": light.seed_power_mw(),
                "amplifier_current_ma": 1000.0 * amplifier.current_a,
                "power_mw": field.power_mw,
                "sideband_frequency_mhz": field.sideband_frequency_mhz,
                "sideband_depth": field.sideband_depth,
                "rf_on": light.eom.on,
                "rf_power_dbm": light.eom.power_dbm,
                "damage_dose_a_s": amplifier.dose_a_s,
                "damage_limit_a_s": amplifier.dose_limit_a_s,
                "amplifier_destroyed": amplifier.destroyed,
                "amplifier_trip": light.amplifier_trip,
                "interlock_open": light.interlock_open,
                "ld_enable": light.line.high,
                "emission": light.emission,
                "power_head_mw": world.power_head.true_power_mw(),
                "source_pressure_mbar": world.vacuum.pressure_mbar(),
                "discharge_power_w": world.vacuum.rf_power_w(),
                "atoms": asdict(world.atoms.status()),
                # after `atoms`, which brings the camera to the present
                "camera": {
                    "em_gain": world.atoms.camera.setup.em_gain,
                    "shutter_open": world.atoms.camera.shutter_open,
                    "acquiring": world.atoms.camera.acquiring,
                    "register_charge_nc": world.atoms.camera.register_charge_nc,
                    "saturated_exposures": world.atoms.camera.saturated_exposures,
                },
                "wire_faults": {
                    name: server.fault.kind
                    for name, server in self.servers.items()
                    if server.fault is not None
                },
            }

    def fault(self, instrument: str, fault: str, parameters: dict[str, Any]) -> None:
        """Let something go wrong. Raises ValueError for what does not exist."""
        if instrument == "camera" and self._camera is not None:
            self._camera.set_fault(_camera_fault(fault, parameters))
            return
        if instrument == "slow_control" and self._slow is not None and fault in SLOW_FAULTS:
            self._slow.set_fault(fault, **_record(fault, parameters))
            return
        server = self.servers.get(instrument)
        if server is not None and fault in server.lasting and not parameters:
            server.lasting[fault](True)
            return
        if fault in WIRE_FAULTS:
            self._server(instrument).set_fault(_wire_fault(fault, parameters))
            return
        of_box = {} if server is None else server.faults
        act = self._faults.get((instrument, fault)) or of_box.get(fault)
        if act is None:
            self._server(instrument)
            raise ValueError(
                f"{instrument} has no fault {fault!r}; it has: "
                f"{', '.join(self.faults()[instrument])}"
            )
        with self.world.lock:
            try:
                act(**parameters)
            except TypeError as error:
                raise ValueError(f"{fault}: {error}") from error

    def faults(self) -> dict[str, list[str]]:
        """Every fault that each instrument can have."""
        known: dict[str, list[str]] = {}
        for name, server in self.servers.items():
            wire = [f for f in WIRE_FAULTS if f != "restarted" or server.restartable]
            world = [f for i, f in self._faults if i == name]
            known[name] = list(dict.fromkeys([*wire, *server.lasting, *server.faults, *world]))
        if self._camera is not None:
            known["camera"] = list(CAMERA_FAULTS)
        if self._slow is not None:
            world = [f for i, f in self._faults if i == "slow_control"]
            known["slow_control"] = [*SLOW_FAULTS, *world]
        return known

    def clear(self, instrument: str | None = None) -> None:
        """Mend everything, or one instrument. A destroyed amplifier stays destroyed."""
        everything = [*self.servers, "camera", "slow_control"]
        names = everything if instrument is None else [instrument]
        for name in names:
            if name == "camera" and self._camera is not None:
                self._camera.set_fault(None)
            elif name == "slow_control" and self._slow is not None:
                self._slow.set_fault(None)
            else:
                server = self._server(name)
                server.set_fault(None)
                for mend in server.lasting.values():
                    mend(False)
        with self.world.lock:
            if "amplifier" in names:
                self.world.light.recover_seed()
                self.world.light.set_interlock(False)
                self.world.light.set_emission_button(True)
                self.world.light.mend_pair()
            if "lock" in names:
                self.world.cavity.realign()
                self.world.scan.mend()
            if "slow_control" in names:
                self.world.vacuum.mend()

    def _server(self, name: str) -> WireServer:
        if name not in self.servers:
            known = ", ".join([*self.servers, "camera", "slow_control"])
            raise ValueError(f"no instrument {name!r}; there are: {known}")
        return self.servers[name]


def _record(fault: str, parameters: dict[str, Any]) -> dict[str, str]:
    if set(parameters) - {"record"} or not isinstance(parameters.get("record", ""), str):
        raise ValueError(f"{fault} takes nothing but 'record', a name")
    return parameters


def _camera_fault(kind: str, parameters: dict[str, Any]) -> CameraFault:
    taken = CAMERA_FAULT_PARAMETERS.get(kind, {})
    if unknown := set(parameters) - set(taken):
        raise ValueError(
            f"{kind} takes {', '.join(taken) or 'nothing'}, not {', '.join(sorted(unknown))}"
        )
    values = {key: _number(key, value, *taken[key]) for key, value in parameters.items()}
    for whole in {"every", "em_gain"} & set(values):
        values[whole] = int(values[whole])
    return CameraFault(kind, **values)  # pyright: ignore[reportArgumentType] checked there


def _wire_fault(kind: str, parameters: dict[str, Any]) -> WireFault:
    unknown = set(parameters) - {"count", "delay_s", "factor"}
    if unknown:
        raise ValueError(
            f"{kind} takes count, delay_s and factor, not {', '.join(sorted(unknown))}"
        )
    count = parameters.get("count")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
        raise ValueError(f"count must be a whole number, got {count!r}")
    delay_s = _number("delay_s", parameters.get("delay_s", _delay_s(kind)), 0.0, 3600.0)
    factor = _number("factor", parameters.get("factor", 1000.0), -1e12, 1e12)
    return WireFault(kind, count, delay_s, factor)  # pyright: ignore[reportArgumentType]


def _delay_s(kind: str) -> float:
    return BOOT_S if kind == "restarted" else LATE_S


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name} must be a number within {low:g} and {high:g}, got {value!r}")
    return float(value)
