"""Nodes that several parts of the DLC pro have alike, and those that act on nothing here."""

from simulators.servers.parameters import MAINTENANCE_LEVEL, ParameterTree
from simulators.servers.thermostat import RANGE_C, READY_WITHIN_K, Thermostat


def add_scan(tree: ParameterTree) -> None:
    scan = "laser1:scan"
    for name, value in {
        "enabled": False,
        "hold": False,
        "signal-type": 1,
        "frequency": 10.0,
        "phase-shift": 0.0,
        "output-channel": 50,
        "amplitude": 0.0,
        "offset": 70.0,
        "start": 70.0,
        "end": 70.0,
    }.items():
        tree.kept(f"{scan}:{name}", value)
    tree.kept(f"{scan}:unit", "V", writable=False)
    tree.kept("laser1:scope:data", b"", writable=False)
    tree.kept("laser1:scope:update-rate", 100)
    tree.kept("laser1:scope:channel1:signal", 0)
    tree.kept("laser1:scope:channelx:scope-timescale", 0.1)


def add_current_extras(tree: ParameterTree, cc: str) -> None:
    tree.kept(f"{cc}:current-offset", 0.0)
    tree.kept(f"{cc}:voltage-clip", 6.0)
    tree.kept(f"{cc}:feedforward-enabled", False)
    tree.kept(f"{cc}:feedforward-factor", 0.0)
    tree.kept(f"{cc}:feedforward-master", 50)
    tree.kept(f"{cc}:forced-off", False)
    add_input_and_filter(tree, cc)


def add_input_and_filter(tree: ParameterTree, node: str) -> None:
    tree.kept(f"{node}:external-input:signal", 0)
    tree.kept(f"{node}:external-input:factor", 1.0)
    tree.kept(f"{node}:external-input:enabled", False)
    tree.kept(f"{node}:output-filter:slew-rate", 1000.0)
    tree.kept(f"{node}:output-filter:slew-rate-enabled", False)
    tree.kept(f"{node}:output-filter:slew-rate-limited", False, writable=False)


def add_thermostat(tree: ParameterTree, node: str, loop: Thermostat) -> None:
    tree.live(f"{node}:enabled", lambda: loop.enabled, loop.put_enabled)
    tree.live(f"{node}:temp-set", lambda: loop.set_c, loop.put_set)
    tree.live(f"{node}:temp-act", loop.actual_c)
    tree.live(f"{node}:ready", loop.ready)
    tree.live(f"{node}:current-act", loop.current_a)
    tree.live(f"{node}:resistance", loop.resistance_ohm)
    tree.live(f"{node}:fault", lambda: loop.faulty)
    tree.live(f"{node}:status", lambda: 0 if loop.ready() else 1)
    tree.live(f"{node}:status-txt", lambda: "ready" if loop.ready() else "settling")
    tree.kept(f"{node}:temp-set-min", RANGE_C[0], writable=False)
    tree.kept(f"{node}:temp-set-max", RANGE_C[1], writable=False)
    for name, value in {
        "limits:temp-min": 10.0,
        "limits:temp-max": 40.0,
        "limits:timeout": 30,
        "t-loop:on": True,
        "t-loop:p-gain": 50.0,
        "t-loop:i-gain": 15.0,
        "t-loop:d-gain": 0.0,
        "t-loop:ok-tolerance": READY_WITHIN_K,
        "t-loop:ok-time": 1.0,
        "temp-roc-enabled": False,
        "temp-roc-limit": 1.0,
    }.items():
        tree.kept(f"{node}:{name}", value)
    tree.kept(f"{node}:limits:timed-out", False, writable=False)
    tree.kept(f"{node}:limits:out-of-range", False, writable=False)


def add_upper_limit(tree: ParameterTree, node: str, power_max_mw: float) -> None:
    for name, value in (
        ("power-max", power_max_mw),
        ("power-max-warning-delay", 0.0),
        ("power-max-shutdown-delay", 0.0),
    ):
        tree.kept(f"{node}:{name}", value, level=MAINTENANCE_LEVEL)
    tree.kept(f"{node}:detect-pd-removal", False, level=MAINTENANCE_LEVEL)
