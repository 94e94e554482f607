"""The rig file that a lab with the simulated rig's instruments would have.

Calibrations are what such a lab would have measured before, rounded and slightly off; the truth
stays in the simulators. Each driver's table lists only what differs from another driver's.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from atta_daq.cli.simulated_name import made_up_name
from atta_daq.rig.drivers import KINDS, names

Ports = dict[str, Any]
"""Addresses of the simulated instruments, as the simulators write them."""

AMPLIFIER = {
    "seed_current_ma": {"low": 0.0, "high": 106.0},
    "seed_operating_ma": 90.0,
    "amplifier_current_ma": {"low": 0.0, "high": 2500.0},
    "unseeded_ceiling_ma": 300.0,
    "seed_power_min_mw": 10.0,
}
SIDEBAND = {
    "frequency_mhz": {"low": 10.0, "high": 1000.0},
    "power_dbm": {"low": -40.0, "high": 15.0},
}
LOCK = {"ratio": {"low": 0.08, "high": 0.92}}
CAMERA = {
    "roi_x": 235,
    "roi_y": 236,
    "bias_adu": 198.0,
    "electrons_per_adu": 4.9,
    "saturated_adu": 65535,
}
OFFSETS = {
    "offset_81_mhz": -96.0,
    "offset_83_mhz": -180.0,
    "offset_84_mhz": 0.0,
    "offset_85_mhz": -265.0,
    "offset_blank_mhz": 120.0,
}
OPTIONAL = ("power_meter", "slow_control")
POWER_METER = {"source_over_head": 100.0}
STALE_S = 10.0
SLOW_VALUES: tuple[dict[str, Any], ...] = (
    {
        "name": "source_pressure",
        "pv": "SourcePressure",
        "meaning": "pressure of the source chamber",
        "unit": "mbar",
        "low_minor": 5e-6,
        "high_minor": 5e-5,
        "high_major": 2e-4,
        "suspends": True,
    },
    {
        "name": "discharge_power",
        "pv": "DischargePower",
        "meaning": "RF power of the discharge",
        "unit": "W",
        "low_major": 10.0,
        "low_minor": 15.0,
        "suspends": True,
    },
    {
        "name": "source_temperature",
        "pv": "SourceTemperature",
        "meaning": "temperature of the source tube",
        "unit": "K",
        "low_minor": 285.0,
        "high_minor": 305.0,
        "high_major": 330.0,
    },
    {
        "name": "lock_811",
        "pv": "Lock811",
        "meaning": "811-nm lasers locked: 1 yes, 0 no",
        "low_minor": 0.0,
        "after_s": 5.0,
    },
)


def _at(name: str, **rest: Any) -> Callable[[Ports], dict[str, Any]]:
    """A table with one address, that of the simulated instrument `name`."""
    return lambda ports: {"address": ports[name], **rest}


def _slow_control(ports: Ports) -> dict[str, Any]:
    """The values of the simulated IOC, `pva://host:port/PREFIX:`."""
    server, _, prefix = ports["slow_control"].removeprefix("pva://").partition("/")
    return {
        "servers": [server],
        "value": [
            {**value, "pv": prefix + value["pv"], "stale_after_s": STALE_S} for value in SLOW_VALUES
        ],
    }


TABLES: dict[tuple[str, str], Callable[[Ports], dict[str, Any]]] = {
    ("amplifier", "toptica-dlcpro"): _at("amplifier", **AMPLIFIER),
    ("amplifier", "thorlabs-itc4000"): lambda ports: {
        "seed_address": ports["amplifier_seed"],
        "amplifier_address": ports["amplifier"],
        "seed_mw_per_photodiode_ma": 20.0,
        "output_mw_per_photodiode_ma": 500.0,
        **AMPLIFIER,
    },
    ("sideband", "windfreak-synthhd"): _at("sideband", **SIDEBAND),
    ("sideband", "rigol-dsg800"): _at("sideband", **SIDEBAND),
    ("sideband", "keysight-mxg"): _at("sideband", **SIDEBAND),
    ("lock", "arduino-stcl"): _at("lock", **LOCK),
    ("lock", "redpitaya-stcl"): _at("lock", ratio={"low": -0.2, "high": 1.1}, ratio_per_v=0.74),
    ("camera", "areadetector"): _at("camera", **CAMERA),
    ("trap_switch", "redpitaya"): lambda ports: {
        "address": ports["trap_switch"],
        "offset_generator": ports["isotope_offset"],
        **OFFSETS,
    },
    ("loading", "redpitaya"): _at("loading"),
    ("reference_cell", "redpitaya"): _at("reference_cell", line_height_v=0.5),
    ("power_meter", "thorlabs-pm100"): _at("power_meter", **POWER_METER),
    ("slow_control", "epics-pva"): _slow_control,
}
"""Kind and driver to its table, without the driver's name."""

CALIBRATIONS = {
    "cavity": {
        "fsr_mhz": 3000.0,
        "fsr_error_mhz": 1.0,
        "ratio_sign": 1,
        "zero_ratio": 0.405,
        "zero_error_mhz": 30.0,
    },
    "fibre_power": {
        "threshold_ma": 800.0,
        "slope_mw_per_ma": 0.294,
        "relative_error": 0.02,
        "full_power_mw": 499.0,
        "monitor_ratio": 0.84,
    },
    "eom": {
        "v_pi_v": 4.0,
        "v_pi_error_v": 0.1,
        "frequency_mhz": 230.0,
        "valid_within_mhz": 1000.0,  # the simulated modulator is flat
    },
    "doppler": {
        "even_mhz": 290.0,
        "even_error_mhz": 10.0,
        "even_rms_mhz": 90.0,
        "odd_mhz": 260.0,
        "odd_error_mhz": 10.0,
        "odd_rms_mhz": 90.0,
        "odd_rms_error_mhz": 10.0,
    },
    "pumping": {
        "rabi_scale": 4.0,
        "rabi_scale_error": 0.5,
        "waist_mm": 7.5,
        "waist_counter_mm": 16.0,
        "tube_diameter_mm": 9.0,
    },
    "rates": {
        "counts_81_per_h": 165.0,
        "counts_85_per_h": 2100.0,
        "loading_relative_error": 0.005,
    },
}


MEASURED_BEFORE_DAYS = 14.0
"""The lab's calibrations are so old when the simulated rig starts."""


def _dated() -> dict[str, Any]:
    """When the lab measured its calibrations."""
    made = datetime.now(UTC).replace(microsecond=0) - timedelta(days=MEASURED_BEFORE_DAYS)
    return {"made": made}


def rig_file(ports: Ports, geometry: str, name: str | None = None) -> dict[str, Any]:
    """The rig file of the simulated rig, as plain data. Without `name` one is made up.

    `ports["drivers"]` tells which boxes play; without it the usual ones do.
    """
    playing = ports.get("drivers", {})
    # Boxes that a rig may go without are there where the simulators say so.
    drivers = {
        kind: playing.get(kind, names(kind)[0])
        for kind in KINDS
        if kind in playing or kind not in OPTIONAL
    }
    return {
        "name": name or made_up_name(),
        "geometry": geometry,
        **{
            kind: {"driver": driver, **TABLES[kind, driver](ports)}
            for kind, driver in drivers.items()
        },
        "clock": {
            "rate": ports["clock"]["speed"],
            **{key: value for key, value in ports["clock"].items() if key != "speed"},
        },
        "calibrations": {name: {**table, **_dated()} for name, table in CALIBRATIONS.items()},
    }
