"""From a rig file to instruments: the one place that knows which driver a box needs."""

from collections.abc import Callable

from atta_daq.rig.config import CameraConfig, RigConfig
from atta_daq.rig.instruments import Instruments
from atta_daq.rig.models import Interval
from drivers.arduino_stcl import ArduinoStcl
from drivers.areadetector import AreaDetectorCamera
from drivers.dlcpro import DlcPro
from drivers.interfaces import AmplifierLimits, CameraLimits, Range, SidebandLimits
from drivers.redpitaya_cell import RedPitayaReferenceCell
from drivers.redpitaya_loading import RedPitayaLoadingDetector
from drivers.redpitaya_trap_switch import RedPitayaTrapSwitch
from drivers.scpi_generator import ScpiGenerator
from drivers.windfreak_synthhd import SynthHD

OFFSET_POWER_DBM = Range(-30.0, 10.0)
"""Of the isotope-offset generator; the station never changes it."""
SLAVE_OVER_MASTER = 0.9906
"""Frequency of the 819-nm light over that of the 811-nm master."""


class RigAssembly:
    """Builds the instruments of a rig file. Nothing is connected yet."""

    def __init__(self, config: RigConfig) -> None:
        self._permit: Callable[[], str] = lambda: "the station has not looked at the trap yet"
        self.instruments = self._build(config)

    def allow_gain(self, forbidden: Callable[[], str]) -> None:
        """What the camera asks before any EM gain: returns why not, or ''."""
        self._permit = forbidden

    def _build(self, config: RigConfig) -> Instruments:
        switch = config.trap_switch
        offsets = [switch.offset_mhz(isotope) for isotope in (0, 81, 83, 84, 85)]
        generator = ScpiGenerator(
            "isotope_offset",
            switch.offset_generator,
            SidebandLimits(
                Range(switch.base_mhz + min(offsets), switch.base_mhz + max(offsets)),
                OFFSET_POWER_DBM,
            ),
        )
        host, _, port = config.amplifier.address.rpartition(":")
        cavity = config.calibrations.cavity
        return Instruments(
            amplifier=DlcPro("amplifier", host, int(port), _amplifier_limits(config)),
            trap_switch=RedPitayaTrapSwitch(
                "trap_switch", switch.address, generator, base_mhz=switch.base_mhz
            ),
            camera=AreaDetectorCamera(
                "camera",
                config.camera.address,
                _camera_limits(config.camera),
                gain_permit=lambda: self._permit(),
            ),
            sideband=SynthHD(
                "sideband",
                config.sideband.address,
                SidebandLimits(
                    _range(config.sideband.frequency_mhz), _range(config.sideband.power_dbm)
                ),
                channel=config.sideband.channel,
            ),
            lock=ArduinoStcl(
                "lock",
                config.lock.address,
                ratio_range=_range(config.lock.ratio),
                landing_tolerance=config.lock.landing_tolerance_mhz
                / (cavity.fsr_mhz * SLAVE_OVER_MASTER),
                laser_ref_us=config.lock.laser_ref_us,
            ),
            loading=RedPitayaLoadingDetector("loading", config.loading.address),
            reference_cell=RedPitayaReferenceCell("reference_cell", config.reference_cell.address),
            addresses={
                "amplifier": config.amplifier.address,
                "trap_switch": f"{switch.address} with {switch.offset_generator}",
                "camera": config.camera.address,
                "sideband": config.sideband.address,
                "lock": config.lock.address,
                "loading": config.loading.address,
                "reference_cell": config.reference_cell.address,
            },
        )


def _range(interval: Interval) -> Range:
    return Range(interval.low, interval.high)


def _amplifier_limits(config: RigConfig) -> AmplifierLimits:
    amplifier = config.amplifier
    return AmplifierLimits(
        seed_current_ma=_range(amplifier.seed_current_ma),
        amplifier_current_ma=_range(amplifier.amplifier_current_ma),
        unseeded_ceiling_ma=amplifier.unseeded_ceiling_ma,
        seed_power_min_mw=amplifier.seed_power_min_mw,
    )


def _camera_limits(camera: CameraConfig) -> CameraLimits:
    return CameraLimits(
        exposure_s=Range(camera.exposure_s, camera.exposure_s),
        em_gain=Range(0, camera.em_gain_limit),
        temperature_c=_range(camera.temperature_c),
    )
