"""Which parts the page has, and the readings that each is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from atta_daq.watch.sections.alarms import alarms
from atta_daq.watch.sections.picture import picture
from atta_daq.watch.sections.queue import queue
from atta_daq.watch.sections.rates import rates
from atta_daq.watch.sections.rig import rig
from atta_daq.watch.sections.run import run
from atta_daq.watch.sections.sweep import sweep
from atta_daq.watch.values import Look


@dataclass(frozen=True)
class Section:
    """One part. It is made anew when one of its readings has changed."""

    name: str
    readings: tuple[str, ...]
    build: Callable[[Look], Any]


SECTIONS: tuple[Section, ...] = (
    Section(
        "run",
        (
            "run:state", "run:id", "run:info", "run:outcome", "run:segment", "run:segments",
            "run:block", "run:remaining", "run:suspended", "station:activity", "station:rig",
            "station:control", "station:version",
        ),
        run,
    ),
    Section("alarms", ("station:alarms", "station:log"), alarms),
    Section("sweep", ("run:info", "run:points", "run:fit"), sweep),
    Section(
        "rates",
        (
            "rate:counts", "rate:counting", "rate:loading_83", "rate:loading_84", "light:ratio",
            "run:table", "run:id",
        ),
        rates,
    ),
    Section("queue", ("queue:state", "queue:reason", "queue:table"), queue),
    Section(
        "rig",
        (
            "lock:locked", "lock:reason", "lock:rms", "light:detuning", "light:power",
            "light:shutter", "amplifier:on", "amplifier:current", "amplifier:interlock_open",
            "amplifier:seed_on", "amplifier:seed_power", "amplifier:health", "sideband:on",
            "sideband:frequency", "sideband:locked", "trap:isotope", "trap:locked",
            "camera:temperature", "camera:stable", "camera:gain", "camera:frames", "camera:lost",
            "camera:trip", "power_meter:source_power", "slow:readings",
        ),
        rig,
    ),
    Section(
        "picture",
        ("camera:image", "camera:acquiring", "camera:saturated", "trap:isotope", "station:rig"),
        picture,
    ),
)  # fmt: skip


def readings() -> tuple[str, ...]:
    """Everything that the page looks at."""
    return tuple(dict.fromkeys(name for section in SECTIONS for name in section.readings))
