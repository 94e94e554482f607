"""The drivers of the registry that talk over a byte stream, and how each is asked."""

from atta_daq.rig.drivers import BUILT_IN

NO_WIRE = {
    "areadetector": "typed structures, see test_pva_garbage",
    "micromanager": "a library in this process, see test_micromanager_garbage",
    "epics-pva": "typed structures, see test_pva_garbage",
}
"""Drivers without a byte stream, and what is tested instead."""
READS = {
    "loading": lambda i: i.quench_bursts(1, 0.03, 0.01),
    "reference_cell": lambda i: i.read_signal(0.02),
    "power_meter": lambda i: i.read(),
}
"""How an instrument without `status` is asked."""
SPECS = [spec for spec in BUILT_IN if spec.driver not in NO_WIRE]
