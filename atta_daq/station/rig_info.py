"""The rig file in short, for clients."""

from pathlib import Path

from atta_daq.calibration.axis import AxisCalibration
from atta_daq.client.rig_info import RigInfo
from atta_daq.rig.config import RigConfig
from atta_daq.station.precheck import reachable_mhz


def rig_info(config: RigConfig, axis: AxisCalibration, data: Path) -> RigInfo:
    """What `station:rig` tells; `axis` is the one in use, which a zeroing moves."""
    cal, amplifier, camera = config.calibrations, config.amplifier, config.camera
    chip, seed, sideband = (
        amplifier.amplifier_current_ma,
        amplifier.seed_current_ma,
        config.sideband,
    )
    return RigInfo(
        name=config.name,
        geometry=config.geometry,
        limits={
            "amplifier:current": (chip.low, chip.high),
            "amplifier:seed_current": (seed.low, seed.high),
            "sideband:frequency": (sideband.frequency_mhz.low, sideband.frequency_mhz.high),
            "sideband:power": (sideband.power_dbm.low, sideband.power_dbm.high),
            "light:detuning": reachable_mhz(axis, config),
            "light:power": (0.0, cal.fibre_power.full_power_mw),
            "camera:gain": (0.0, float(camera.em_gain_limit)),
        },
        unseeded_ceiling_ma=amplifier.unseeded_ceiling_ma,
        seed_power_min_mw=amplifier.seed_power_min_mw,
        seed_operating_ma=amplifier.seed_operating_ma,
        full_power_mw=cal.fibre_power.full_power_mw,
        threshold_ma=cal.fibre_power.threshold_ma,
        slope_mw_per_ma=cal.fibre_power.slope_mw_per_ma,
        eom_v_pi_v=cal.eom.v_pi_v,
        doppler_even_mhz=cal.doppler.even_mhz,
        doppler_odd_mhz=cal.doppler.odd_mhz,
        fsr_mhz=cal.cavity.fsr_mhz,
        exposure_s=camera.exposure_s,
        em_gain=camera.em_gain,
        roi=(camera.roi_x, camera.roi_y, camera.roi_width, camera.roi_height),
        rate=config.clock.rate,
        data_dir=str(data.resolve()),
    )
