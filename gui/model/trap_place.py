"""Where the trap stands while the station does not know: on its way, or nobody knows."""

from gui.model.readings import Readings
from gui.theme.palettes import Tone

INPUTS = ("trap:isotope", "trap:switching")
NOT_SET = (
    "no isotope has been set since the station or its last run began, or a switch failed: set one"
)


def unplaced(readings: Readings) -> tuple[str, Tone, str] | None:
    """Word, tone and reason; None where the isotope is known."""
    isotope = readings.value("trap:isotope")
    if isotope.stale:
        return "unknown", Tone.STALE, isotope.message
    if isotope.value is not None and isotope.value >= 0:
        return None
    if readings.flag("trap:switching"):
        return "switching", Tone.BUSY, "the lasers are on their way to another isotope"
    return "not set", Tone.WARNING, NOT_SET
