"""[slow_control]: what the lab watches and this program only reads. May be left out."""

from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from atta_daq.rig.models import RigModel
from atta_daq.rig.sections.section import InstrumentSection

NAME = r"^[a-z][a-z0-9_]{0,39}$"


class SlowValueConfig(RigModel):
    """One value; with its limits as EPICS has them: reaching one counts."""

    name: str = Field(pattern=NAME, examples=["source_pressure"])
    """Served as `slow:<name>`."""
    meaning: str = Field(min_length=1, max_length=80)
    """What it is, in the lab's words."""
    unit: str = ""
    """A PV that says another unit is not used."""
    low_major: float | None = None
    """At or below it, a major alarm."""
    low_minor: float | None = None
    """At or below it, a minor alarm."""
    high_minor: float | None = None
    """At or above it, a minor alarm."""
    high_major: float | None = None
    """At or above it, a major alarm."""
    suspends: bool = False
    """A major alarm, or a lost value, flags the segment under way: it is taken again."""
    after_s: float = Field(default=0.0, ge=0)
    """An alarm counts when it has lasted so long (wall time)."""

    @model_validator(mode="after")
    def _ascending(self) -> "SlowValueConfig":
        keys = ("low_major", "low_minor", "high_minor", "high_major")
        given = [(key, limit) for key in keys if (limit := getattr(self, key)) is not None]
        for (lower, low), (higher, high) in pairwise(given):
            if not low < high:
                raise ValueError(f"{self.name}: {lower} = {low:g} is not below {higher} = {high:g}")
        return self


class SlowControlConfig(InstrumentSection):
    """Pressures, RF power, temperatures, other locks: read, watched, never written."""

    exclusive: ClassVar[bool] = False

    def described(self) -> tuple[SlowValueConfig, ...]:
        """The values that it brings."""
        return getattr(self, "value", ())


class EpicsValueConfig(SlowValueConfig):
    """One EPICS process variable, in a table `[[slow_control.value]]`."""

    pv: str = Field(pattern=r"^\S+$", examples=["ATTA:VAC:SourcePressure"])
    """Its full name."""
    stale_after_s: float = Field(default=0.0, ge=0)
    """A value whose time stamp stands still so long is lost: its server hangs. 0: it may, as that
    of a record that is only processed when something changes."""


class EpicsSlowControlConfig(SlowControlConfig):
    """EPICS process variables over pvAccess, from any number of servers."""

    driver: Literal["epics-pva"]
    """Which driver."""
    servers: tuple[str, ...] = Field(min_length=1, examples=[["192.168.1.30"]])
    """Hosts, or host:port of the UDP search, that serve the values."""
    value: tuple[EpicsValueConfig, ...] = Field(min_length=1)
    """The values, in the order in which they are shown."""

    def addresses(self) -> dict[str, str]:
        # EPICS servers are shared by any number of clients: no wire of ours alone.
        return {f"servers[{n}]": f"pva://{server}/" for n, server in enumerate(self.servers)}

    @model_validator(mode="after")
    def _names_differ(self) -> "EpicsSlowControlConfig":
        names = [value.name for value in self.value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two values of the name {', '.join(twice)}; each needs its own")
        return self
