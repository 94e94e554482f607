"""The amplifier gives too little light for its current: what a destroyed one looks like."""

from atta_daq.client.log import alarms_from_json
from gui.model.readings import Readings

OUTPUT_ALARM = "amplifier:output"


def output_missing(readings: Readings) -> str:
    """The station's alarm in words while it is active; empty otherwise, or when it is not known."""
    if readings.value("station:alarms").stale:
        return ""
    alarms = alarms_from_json(readings.text("station:alarms"))
    return next((alarm.text for alarm in alarms if alarm.id == OUTPUT_ALARM and alarm.active), "")
