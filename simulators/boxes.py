"""Which box plays which part on the simulated rig.

A role is an instrument of the rig; a driver name is the one that stands in the rig file. Starting
a box gives its servers by name (the role, or role_part); their addresses stand in the ports file.
"""

from collections.abc import Awaitable, Callable, Mapping

from simulators.servers import (
    areadetector,
    dlcpro,
    itc4000,
    pm100,
    redpitaya,
    rf_generator,
    scpi_generator,
    slow_pvs,
    stcl,
    synthhd,
)
from simulators.servers.redpitaya_wiring import Role
from simulators.wire import WireServer
from simulators.world.world import World

Server = WireServer | areadetector.AreaDetector | slow_pvs.SlowPvs
Starter = Callable[[World], Awaitable[dict[str, Server]]]


async def _dlcpro(world: World) -> dict[str, Server]:
    box = await dlcpro.start(world)
    return {"amplifier": box.command, "amplifier_monitor": box.monitor}


async def _itc4000(world: World) -> dict[str, Server]:
    return {**await itc4000.start(world)}


async def _synthhd(world: World) -> dict[str, Server]:
    return {"sideband": await synthhd.start(world)}


def _scpi_sideband(maker: rf_generator.Maker) -> Starter:
    async def start(world: World) -> dict[str, Server]:
        return {"sideband": await rf_generator.start(world, maker)}

    return start


async def _pm100(world: World) -> dict[str, Server]:
    return {"power_meter": await pm100.start(world)}


async def _slow_pvs(world: World) -> dict[str, Server]:
    return {"slow_control": await slow_pvs.start(world)}


async def _arduino(world: World) -> dict[str, Server]:
    return {"lock": await stcl.start(world)}


async def _areadetector(world: World) -> dict[str, Server]:
    return {"camera": await areadetector.start(world)}


def _board(role: Role) -> Starter:
    async def start(world: World) -> dict[str, Server]:
        return {role: await redpitaya.start(world, role)}

    return start


async def _trap_switch(world: World) -> dict[str, Server]:
    return {
        "trap_switch": await redpitaya.start(world, "trap_switch"),
        "isotope_offset": await scpi_generator.start(world),
    }


BOXES: Mapping[str, Mapping[str, Starter]] = {
    "amplifier": {"toptica-dlcpro": _dlcpro, "thorlabs-itc4000": _itc4000},
    "sideband": {
        "windfreak-synthhd": _synthhd,
        "rigol-dsg800": _scpi_sideband(rf_generator.RIGOL),
        "keysight-mxg": _scpi_sideband(rf_generator.KEYSIGHT),
    },
    "lock": {"arduino-stcl": _arduino, "redpitaya-stcl": _board("lock")},
    "camera": {"areadetector": _areadetector},
    "trap_switch": {"redpitaya": _trap_switch},
    "loading": {"redpitaya": _board("loading")},
    "reference_cell": {"redpitaya": _board("reference_cell")},
    "power_meter": {"thorlabs-pm100": _pm100},
    "slow_control": {"epics-pva": _slow_pvs},
}
"""Role to driver name to box; the first one serves unless another is asked for."""


def chosen(wanted: Mapping[str, str]) -> dict[str, str]:
    """Every role with its driver name. Raises ValueError for what does not exist."""
    for role, driver in wanted.items():
        if role not in BOXES:
            raise ValueError(f"no instrument {role!r}; there are: {', '.join(BOXES)}")
        if driver not in BOXES[role]:
            raise ValueError(f"no simulated {role} {driver!r}; there are: {', '.join(BOXES[role])}")
    return {role: wanted.get(role, next(iter(boxes))) for role, boxes in BOXES.items()}
