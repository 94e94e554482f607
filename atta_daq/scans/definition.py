"""What to measure: a scan file, validated into a frozen definition.

A scan has one or more parts, each about one isotope. A part names its axes (none for an on/off
comparison), how long to look at each point, and the pattern of pumping light. Every key carries
its unit in its name. See `docs/reference/scan-file.md`.
"""

import hashlib
import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator

from atta_daq.scans.adaptive import Adaptive, StopWhen, require_sound
from atta_daq.scans.rules import FaultRules
from atta_daq.scans.wording import file_name

Quantity = Literal["detuning_mhz", "power_mw", "sideband_frequency_mhz", "sideband_depth"]
Isotope = Literal[81, 83, 84, 85]
Order = Literal["sequential", "shuffled", "interleaved"]
Pumping = Literal["on", "off", "abba"]
MOST_POINTS = 20_000
"""Of a scan, with all repeats. More is a slip of the pen: weeks of counting."""


def _period(value: object) -> float | str:
    if value == "auto":
        return "auto"
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.0 < value < math.inf:
        return float(value)
    raise ValueError(f"{value!r} is not allowed; a number > 0, in s, or 'auto'")


BracketPeriod = Annotated[float | Literal["auto"], PlainValidator(_period)]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Axis(_Model):
    """One swept quantity: either `values`, or `start`, `stop` and `points`."""

    quantity: Quantity
    """What is swept."""
    start: float | None = None
    """First value, in the unit of the quantity."""
    stop: float | None = None
    """Last value."""
    points: int | None = Field(default=None, ge=1, le=10_000)
    """How many values, evenly spaced."""
    values: tuple[float, ...] | None = None
    """The values themselves, instead of a range."""

    @model_validator(mode="after")
    def _one_way(self) -> "Axis":
        ranged = (self.start, self.stop, self.points)
        if self.values is not None:
            if any(v is not None for v in ranged):
                raise ValueError("give either `values`, or `start`, `stop` and `points`, not both")
            if not self.values:
                raise ValueError("`values` is empty")
        elif any(v is None for v in ranged):
            raise ValueError("give `values`, or all of `start`, `stop` and `points`")
        return self

    def grid(self) -> tuple[float, ...]:
        """The values in the order of the file."""
        if self.values is not None:
            return self.values
        assert self.start is not None
        assert self.stop is not None
        assert self.points is not None
        return tuple(float(v) for v in np.linspace(self.start, self.stop, self.points))


class Light(_Model):
    """Where the 819-nm light stands when no axis moves it."""

    detuning_mhz: float | None = None
    """As set, from the 84Kr line. Left out: on `line`."""
    line: str | None = Field(default=None, pattern=r"^\d+/2-\d+/2$", examples=["11/2-13/2"])
    """Hyperfine component F-F', for example '11/2-13/2', moved by the Doppler shift of the rig's
    calibration to where the beam meets it. Left out: the closed line."""
    power_mw: float | None = Field(default=None, ge=0.0)
    """Left out: full power, from the rig file."""
    sideband_frequency_mhz: float = Field(default=0.0, ge=0.0)
    """Spacing of the sidebands from the carrier; 0: none."""
    sideband_depth: float = Field(default=0.0, ge=0.0, le=3.0)
    """Modulation index beta; 0: none."""


class Part(_Model):
    """A measurement of one isotope."""

    isotope: Isotope
    """81 and 85 are counted, 83 and 84 measured by loading."""
    axes: tuple[Axis, ...] = ()
    """Swept quantities; several make a product, the last moves fastest. None: on against off."""
    light: Light = Light()
    dwell_s: float | None = Field(default=None, gt=0.0)
    """Counting time of a point on the rig's clock (81Kr and 85Kr)."""
    bursts: int | None = Field(default=None, ge=2, le=7)
    """Quench bursts (83Kr) or slopes (84Kr) of one measurement; left out: from the rig file."""
    repeats: int = Field(default=1, ge=1)
    """How often each point, or each ABBA cycle, is taken."""
    order: Order = "interleaved"
    """'interleaved' takes every fourth point, then the gaps."""
    pumping: Pumping = "on"
    """'abba' takes every point as off, on, on, off."""
    dwell_off_s: float | None = Field(default=None, gt=0.0)
    """Counting time without pumping light; left out: `dwell_s`."""
    reference_every: int = Field(default=0, ge=0)
    """After so many points one without pumping light; 0 for none."""
    reference_dwell_s: float | None = Field(default=None, gt=0.0)
    """Counting time of a reference; left out: `dwell_s`."""

    @model_validator(mode="after")
    def _consistent(self) -> "Part":
        rare = self.isotope in (81, 85)
        if rare and self.dwell_s is None:
            raise ValueError(f"`dwell_s` is needed to count {self.isotope}Kr")
        if not rare and any((self.dwell_s, self.dwell_off_s, self.reference_dwell_s)):
            raise ValueError(
                f"{self.isotope}Kr is measured by loading: use `bursts` and `repeats`, not dwells"
            )
        quantities = [axis.quantity for axis in self.axes]
        if len(set(quantities)) != len(quantities):
            raise ValueError("two axes sweep the same quantity")
        if self.reference_every and self.pumping != "on":
            raise ValueError("references belong to pumping = 'on'; 'abba' has its own")
        return self


class Blanks(_Model):
    """Counting with the trap off every isotope."""

    dwell_s: float = Field(default=240.0, gt=0.0)
    """Counting time of one blank."""
    at_ends: bool = True
    """Two blanks before the first and after the last block, with the 819-nm light off and on."""
    every_blocks: int = Field(default=0, ge=0)
    """The same after so many blocks; 0 for none."""


class Check83(_Model):
    """83Kr loading with pumping light and without, in blocks of their own before the first and
    after the last one: shows that the pumping still does what it did."""

    cycles: int = Field(default=3, ge=1, le=50)
    """Of off, on, on, off."""
    bursts: int | None = Field(default=None, ge=2, le=7)
    """Quench bursts of one measurement; left out: from the rig file."""
    light: Light = Light()
    """Where the light stands; left out: on the closed line at full power."""


class ScanDefinition(_Model):
    """A whole scan file."""

    name: str = Field(
        min_length=1,
        max_length=60,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$",
        examples=["spectrum 85Kr"],
    )
    """Part of the name of every run: letters, digits, blank, dot, - and _."""
    geometry: Literal["co", "counter"] | None = None
    """Refused on a rig of the other geometry; left out: whatever the rig has."""
    seed: int = Field(default=1, ge=0)
    """Of the shuffled order."""
    parts: tuple[Part, ...] = Field(min_length=1)
    bracket_period_s: BracketPeriod = 500.0
    """At least so often the 83Kr loading rate is measured (rig time): a number > 0, or 'auto', the
    period that gives the normalised rates their least variance for the drift of the source as
    calibrated (`atta-daq calibrate source-drift`)."""
    bracket_pumping: bool = False
    """True takes the normaliser with pumping light on: it divides the effect out. For tests."""
    blanks: Blanks | None = None
    adaptive: Adaptive | None = None
    stop_when: StopWhen | None = None
    check_83: Check83 | None = None
    zero_on_reference_cell: bool = True
    """Zero the frequency axis on the 84Kr line before the first block."""
    calibrate_counting_s: float | None = Field(default=240.0, ge=0.0)
    """Watch 85Kr so long before the first block and calibrate the counting from it; 0 takes frames
    and counts nothing."""
    max_attempts: int = Field(default=3, ge=1)
    """A block that fails so often ends the run, or is skipped (`faults`)."""
    faults: FaultRules = FaultRules()
    fit_width_from: str | None = None
    """Run whose fit constrains Rabi scale and Doppler width (an 83Kr spectrum)."""
    sample: str = ""
    """Kept with the run."""
    gas: str = ""
    """Kept with the run."""
    operator: str = ""
    """Kept with the run."""
    note: str = ""
    """Kept with the run."""

    @model_validator(mode="after")
    def _can_be_taken(self) -> "ScanDefinition":
        points = sum(
            part.repeats * math.prod(len(axis.grid()) for axis in part.axes) for part in self.parts
        )
        if points > MOST_POINTS:
            raise ValueError(f"{points} points with their repeats; at most {MOST_POINTS} are taken")
        require_sound(self)
        return self

    @property
    def digest(self) -> str:
        """Twelve hex digits that name this definition."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def parse_scan(text: str) -> ScanDefinition:
    """Definition from TOML text. Raises tomllib.TOMLDecodeError or pydantic.ValidationError."""
    return ScanDefinition.model_validate(rename_parts(tomllib.loads(text)))


def load_scan(path: Path) -> ScanDefinition:
    """Definition from a file; same errors as `parse_scan`, and OSError."""
    return parse_scan(path.read_text())


def rename_parts(data: dict[str, Any]) -> dict[str, Any]:
    """The file says `[[part]]` and `[[part.axis]]`; the model says `parts` and `axes`.

    Whatever is no list of tables is left as it is: validation then says what it should be.
    """
    result = {file_name(key): value for key, value in data.items()}
    if isinstance(parts := result.get("parts"), list):
        result["parts"] = [
            {file_name(key): value for key, value in part.items()}
            if isinstance(part, dict)
            else part
            for part in parts
        ]
    return result
