"""What must hold before an entry is started.

no alarm                   every alarm has been acknowledged
no major alarm             no major alarm is active: one that is over, as of a run that had to
                           wait, keeps nothing from starting though nobody was there to see it
free disk > 20 GB          on the disk of the runs
rate:loading_84 > 0.05     a reading of the station, in its own unit; also <
"""

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, Protocol

from atta_daq.client.log import Alarm
from atta_daq.client.names import READINGS

_UNITS = {r.name: r.unit for r in READINGS}
NUMERIC = tuple(r.name for r in READINGS if r.kind in ("double", "int", "bool"))
OWN_ALARMS = "queue"
"""Source of the alarms that the queue itself raises: they must not keep it from going on."""
_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"


@dataclass(frozen=True)
class Look:
    """What conditions may look at."""

    latest: Callable[[str], object]
    """Value of a reading; None while there is none or it is stale."""
    alarms: Callable[[], list[Alarm]]
    free_bytes: Callable[[], int]


class Condition(Protocol):
    """Prints itself as `parse` reads it."""

    def unmet(self, look: Look) -> str:
        """Why it does not hold now; '' when it does."""
        ...


@dataclass(frozen=True)
class NoAlarm:
    """Nothing waits to be acknowledged."""

    def __str__(self) -> str:
        return "no alarm"

    def unmet(self, look: Look) -> str:
        for alarm in look.alarms():
            if not alarm.acknowledged and alarm.source != OWN_ALARMS:
                return f"alarm not acknowledged: {alarm.text}"
        return ""


@dataclass(frozen=True)
class NoMajorAlarm:
    """Nothing grave is wrong now, whether or not somebody has acknowledged what was."""

    def __str__(self) -> str:
        return "no major alarm"

    def unmet(self, look: Look) -> str:
        for alarm in look.alarms():
            if alarm.active and alarm.severity == "major" and alarm.source != OWN_ALARMS:
                return f"major alarm is active: {alarm.text}"
        return ""


@dataclass(frozen=True)
class FreeDisk:
    """Room for what comes."""

    gigabytes: float

    def __str__(self) -> str:
        return f"free disk > {self.gigabytes:.12g} GB"

    def unmet(self, look: Look) -> str:
        free = look.free_bytes() / 1e9
        wanted = f"more than {self.gigabytes:g} GB wanted"
        return "" if free > self.gigabytes else f"{free:.1f} GB of the disk free, {wanted}"


@dataclass(frozen=True)
class ReadingIs:
    """A reading on the right side of a value."""

    name: str
    sense: Literal["<", ">"]
    value: float

    def __str__(self) -> str:
        return f"{self.name} {self.sense} {self.value:.12g}"

    def unmet(self, look: Look) -> str:
        now = look.latest(self.name)
        if not isinstance(now, int | float) or math.isnan(now):
            return f"{self.name} is not known"
        holds = now < self.value if self.sense == "<" else now > self.value
        # Those of slow control are the lab's own, and not in the list.
        unit = f" {known}" if (known := _UNITS.get(self.name)) else ""
        wanted = f"{self.sense} {self.value:g}{unit} wanted"
        return "" if holds else f"{self.name} is {float(now):.4g}{unit}, {wanted}"


def parse(text: str, more: Collection[str] = ()) -> Condition:
    """`more`: numeric readings that only this rig has. Raises ValueError with what is allowed."""
    words = " ".join(text.split())
    for plain in (NoAlarm(), NoMajorAlarm()):
        if words == str(plain):
            return plain
    if found := re.fullmatch(rf"free disk > {_NUMBER} GB", words):
        return FreeDisk(float(found[1]))
    found = re.fullmatch(rf"(\S+?) ?([<>]) ?{_NUMBER}", words)
    if found is None:
        raise ValueError(
            f"condition '{text}' is not understood: 'no alarm', 'no major alarm', "
            "'free disk > 20 GB', or a reading such as 'rate:loading_84 > 0.05'"
        )
    name, sense, value = found[1], found[2], float(found[3])
    if name not in NUMERIC and name not in more:
        raise ValueError(f"condition '{text}': the station has no number '{name}'")
    return ReadingIs(name, "<" if sense == "<" else ">", value)
