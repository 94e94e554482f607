"""Does the rig still stand where the run put it? Why not, in words; empty when it does.

A box that lost its power answers again after a moment, with other settings: its silence is over,
but nothing of the segment under way is right any more. So what is polled is held against what was
set. Tolerances are those of a disturbance, not of a measurement.
"""

from atta_daq.rig.config import RigConfig
from atta_daq.rig.light import LightControl, ResolvedTarget
from atta_daq.rig.models import Interval
from drivers.interfaces import (
    AmplifierStatus,
    CameraStatus,
    LockStatus,
    SidebandStatus,
    TrapStatus,
)

CURRENT_MA = 1.0
OFFSET_MHZ = 0.01
SIDEBAND_MHZ = 0.01
SIDEBAND_DB = 0.02
"""The generators resolve 0.01 dB."""


def amplifier_moved(status: AmplifierStatus, wanted_ma: float) -> str:
    """The amplifier is not at the current that the run asked for."""
    said = f" (the box says: {status.message})" if status.message else ""
    if status.interlock_open:
        return "amplifier: the interlock of the laser head is open"
    if not status.seed_on:
        return f"amplifier: the seed is off{said}"
    if not status.amplifier_on:
        return f"amplifier: it is off{said}"
    if abs(status.amplifier_current_set_ma - wanted_ma) > CURRENT_MA:
        return (
            f"amplifier: at {status.amplifier_current_set_ma:.0f} mA instead of "
            f"{wanted_ma:.0f} mA{said}"
        )
    return ""


def seed_weak(status: AmplifierStatus, config: RigConfig) -> str:
    """Light without enough seed is not at the frequency of the seed."""
    least_mw = config.amplifier.seed_power_min_mw
    if status.seed_power_mw >= least_mw:
        return ""
    return f"amplifier: seed at {status.seed_power_mw:.1f} mW, less than {least_mw:g} mW"


def lock_moved(status: LockStatus, wanted_ratio: float) -> str:
    """The lock is lost, or holds another place."""
    if not status.locked:
        return f"lock lost: {status.reason}"
    if abs(status.ratio_setpoint - wanted_ratio) > 1e-3:
        return f"lock: setpoint at {status.ratio_setpoint:.5f} instead of {wanted_ratio:.5f}"
    return ""


def camera_warm(status: CameraStatus) -> str:
    """The sensor is not at its temperature: its dark counts and its gain are others."""
    if status.temperature_stable:
        return ""
    return f"camera: the sensor is not at its temperature ({status.temperature_c:.1f} °C)"


def sideband_too_strong(status: SidebandStatus, allowed_dbm: Interval) -> str:
    """RF is on with more power than the modulator may get, whoever set it."""
    if not status.rf_on or status.power_dbm <= allowed_dbm.high + SIDEBAND_DB:
        return ""
    return (
        f"sideband: RF is on at {status.power_dbm:.2f} dBm, above the {allowed_dbm.high:g} dBm "
        "that the rig file allows the modulator"
    )


def sideband_moved(status: SidebandStatus, target: ResolvedTarget, light: LightControl) -> str:
    """The sidebands are not as the run asked for."""
    wanted = target.sideband_depth > 0.0 and target.sideband_frequency_mhz > 0.0
    if status.rf_on != wanted:
        return f"sideband: RF is {'on' if status.rf_on else 'off'} instead of the other"
    if wanted and abs(status.frequency_mhz - target.sideband_frequency_mhz) > SIDEBAND_MHZ:
        return (
            f"sideband: at {status.frequency_mhz:g} MHz instead of "
            f"{target.sideband_frequency_mhz:g} MHz"
        )
    power_dbm = light.sideband_power_dbm(target.sideband_depth) if wanted else status.power_dbm
    if abs(status.power_dbm - power_dbm) > SIDEBAND_DB:
        return f"sideband: at {status.power_dbm:.2f} dBm instead of {power_dbm:.2f} dBm"
    # None: the synthesiser cannot tell, or the driver does not ask it.
    if wanted and status.pll_locked is False:
        return "sideband: its synthesiser is not locked"
    return ""


def trap_moved(status: TrapStatus, wanted_offset_mhz: float) -> str:
    """The trap is not on its isotope, or not on."""
    if abs(status.offset_mhz - wanted_offset_mhz) > OFFSET_MHZ:
        return (
            f"trap_switch: isotope offset at {status.offset_mhz:+g} MHz instead of "
            f"{wanted_offset_mhz:+g} MHz"
        )
    if not status.trap_light:
        return "trap_switch: the trap light is off"
    if not status.lasers_locked:
        return "trap_switch: a trap laser is not locked"
    return ""
