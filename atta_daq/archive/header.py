"""What stands at the head of every run: its name and the body of its start document."""

import re
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

SCHEMA = 2
"""Of the run folder: journal documents, file names, meaning of the fields.

2: documents of the kind 'decision', the rig's name. Folders of schema 1 are read as before.
"""


@dataclass(frozen=True)
class CalibrationUse:
    """A calibration as it stood when the run began."""

    name: str
    value: float
    error: float
    unit: str
    measured_utc_s: float | None = None
    source: str = ""
    """'rig file', or the id of the result in the calibration store."""
    stale: str = ""
    """Why it was no longer valid when the run began, or not for what the run does with it; empty:
    it was."""
    note: str = ""
    """What belongs to the value: 'at 900 MHz'."""


@dataclass(frozen=True)
class RunHeader:
    """Body of the start document."""

    run_id: str
    scan_name: str
    isotopes: tuple[int, ...]
    geometry: str
    """'co', 'counter', or empty where light plays no part."""
    axes: tuple[str, ...]
    """What the scan moves: 'detuning_mhz', 'power_mw', 'sideband_frequency_mhz',
    'sideband_depth'; empty for a comparison on against off."""
    metadata: dict[str, str] = field(default_factory=dict)
    """The operator's own: operator, sample, gas, note, ..."""
    origin: str = "measured"
    """'measured' or 'imported'."""
    source: str = ""
    """File that an imported run was made from."""
    rate_unit: str = "1/s"
    """Unit of `Segment.rate`."""
    loading_83_unit: str = ""
    """Unit of the brackets' rate, where it is another."""
    scan_hash: str = ""
    rig: str = ""
    """Name of the rig that took it; empty: an older run, or an imported one."""
    resumes: str | None = None
    """The dead run that this one goes on with."""
    planned_blocks: int | None = None
    planned_points: int | None = None
    planned_rig_s: float | None = None
    bracket_period_s: float | None = None
    """As used, also where the scan left it to the rig; None for an imported run."""
    calibrations: tuple[CalibrationUse, ...] = ()
    program: str = ""
    """Name and version of the program that wrote it."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Anything else that the writer wants kept, such as Bluesky's own start document."""
    schema: int = SCHEMA

    @property
    def bracket_unit(self) -> str:
        """Unit of the 83Kr rate that normalises the others."""
        return self.loading_83_unit or self.rate_unit

    @property
    def label(self) -> str:
        """Isotopes in words: '85Kr', or '81Kr, 85Kr'."""
        return ", ".join(f"{isotope}Kr" for isotope in self.isotopes)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "RunHeader":
        """Inverse of `to_dict`. Raises KeyError or TypeError on another shape."""
        values = dict(data)
        values["isotopes"] = tuple(values["isotopes"])
        values["axes"] = tuple(values["axes"])
        values["calibrations"] = tuple(CalibrationUse(**c) for c in values["calibrations"])
        return cls(**values)


def new_run_id(isotopes: tuple[int, ...], scan_name: str, utc_s: float, token: str = "") -> str:
    """`yyyymmdd-HHMMSS-<isotope>Kr-<scan name>-<4 hex>`, in UTC.

    Several isotopes are joined with '+'. `token` is drawn at random unless given; it keeps two
    runs of the same second apart.
    """
    moment = datetime.fromtimestamp(utc_s, UTC).strftime("%Y%m%d-%H%M%S")
    name = re.sub(r"[^a-z0-9]+", "_", scan_name.lower()).strip("_") or "scan"
    isotope = "+".join(str(i) for i in isotopes)
    return f"{moment}-{isotope}Kr-{name}-{token or secrets.token_hex(2)}"
