"""Scans carried out on the simulated rig before they are taken, and what is learned from it."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

import tomli_w
from rich.console import Console

from atta_daq.analysis.records import SegmentKind
from atta_daq.archive.catalogue import Catalogue
from atta_daq.archive.run_folder import FRAMES, Run, open_run
from atta_daq.cli.on_station import station_client
from atta_daq.cli.rehearsed_rig import ROOM, boxes, like, truth_like
from atta_daq.cli.simulated import start_simulated_rig
from atta_daq.cli.simulated_lab import rig_file
from atta_daq.cli.taking import POLL_S, follow
from atta_daq.client.client import CommandRefused, StationClient
from atta_daq.client.queue import QueueLine, queue_lines
from atta_daq.rig.config import RigConfig, load_rig, read_toml
from atta_daq.scans.course import whole_course
from atta_daq.scans.definition import ScanDefinition
from atta_daq.scans.selection import number_of_points
from atta_daq.station.check_scan import FORECAST_POINTS, check_scan, counting_rate
from atta_daq.station.expected import light_of
from atta_daq.station.fitting import FitRequest
from atta_daq.station.prior import prior_from_run
from atta_daq.station.run_header import with_geometry
from atta_daq.station.worth import PointWorth, point_worths

FASTEST = 300.0
"""Rig seconds per second at which two cores still keep up with ten frames a second: above it the
rig runs ahead of its station, and the rehearsal takes no less time."""
MOST_FRAMES_PER_S = 3000.0
"""On the wall's clock, at any exposure."""
SLOWEST = 10.0
QUEUE_S = 60.0
"""Wall time in which a station must have looked through a scan."""


def highest_speed(rig: RigConfig | None) -> float:
    """What is tried first: rig seconds per second."""
    return FASTEST if rig is None else min(FASTEST, MOST_FRAMES_PER_S * rig.camera.exposure_s)


@dataclass(frozen=True)
class Scan:
    """A scan to rehearse."""

    name: str
    """Its file, or its place in the queue: what the operator knows it by."""
    text: str
    definition: ScanDefinition
    times: int = 1
    """How often the night takes it; it is rehearsed once."""
    waits: str = ""
    """What else the queue waits for before it starts it, in words; a rehearsal does not."""


@dataclass(frozen=True)
class Rehearsed:
    """What is known of one scan after its rehearsal."""

    scan: Scan
    forecast: dict[str, Any]
    """The answer of `check_scan`: duration, volume, expected errors."""
    worths: list[PointWorth]
    run: Run
    volume_bytes: int
    """Of the rehearsed run's folder."""
    wall_s: float

    @property
    def frames_lost(self) -> int:
        """Frames that the camera delivered and the station did not get."""
        return sum(s.frames_lost for s in self.run.segments)

    def counts(self, isotope: int) -> int:
        """Atoms counted of an isotope."""
        return sum(
            s.counts or 0
            for s in self.run.segments
            if s.kind is SegmentKind.RARE and s.isotope == isotope and not s.flag
        )

    @property
    def flagged(self) -> list[str]:
        """Why segments of the rehearsal were not used."""
        return [s.flag for s in self.run.segments if s.flag]


def rehearse_all(
    scans: Sequence[Scan],
    rig: RigConfig | None,
    *,
    speed: float,
    seed: int,
    truth: Path | None,
    instruments: Sequence[str],
    data: Path,
    keep: Path | None,
    console: Console,
) -> list[Rehearsed]:
    """Let the queue of a station on a simulated rig take the scans, one after the other.

    With `rig` the simulated one is set up like it. Forecasts and widths come from the runs in
    `data`; the rehearsed runs go to `keep`, or are thrown away. Raises CommandRefused for a scan
    that cannot be taken, and what a station raises.
    """
    geometry = rig.geometry if rig is not None else _geometry(scans)
    with _folder(keep) as folder, TemporaryDirectory(prefix="atta-daq-") as scratch:
        if truth is not None or rig is not None:
            overrides = read_toml(truth) if truth is not None else {}
            truth = Path(scratch) / "truth.toml"
            truth.write_text(tomli_w.dumps(truth_like(rig, overrides) if rig else overrides))
        world = start_simulated_rig(
            Path(scratch), speed=speed, seed=seed, truth=truth, geometry=geometry,
            instruments=[*(boxes(rig) if rig is not None else ()), *instruments],
        )  # fmt: skip
        try:
            simulated = rig_file(world.ports, geometry or "co")
            path = Path(scratch) / "rig.toml"
            made = like(rig, simulated) if rig is not None else simulated
            path.write_text(tomli_w.dumps({**made, **ROOM}))
            config = load_rig(path)
            _bring_widths(scans, data, folder)
            forecasts = [_forecast(scan, config, data) for scan in scans]
            done = []
            # This process only looks on while the station works: time to weigh the points.
            with ThreadPoolExecutor(1) as aside, station_client(path, config, folder) as client:
                entries = [_queue(client, scan) for scan in scans]
                worths = [aside.submit(_worths, scan, config, data) for scan in scans]
                for scan, entry, forecast, worth in zip(
                    scans, entries, forecasts, worths, strict=True
                ):
                    begun_s = monotonic()
                    run_id = _begun(client, entry, console)
                    if follow(client, run_id, console):
                        aside.shutdown(wait=False, cancel_futures=True)
                        raise KeyboardInterrupt
                    _until(client, entry, lambda line: not line.open, console)
                    run = open_run(folder / run_id)
                    wall_s = monotonic() - begun_s
                    size = _size(run.folder)
                    done.append(Rehearsed(scan, forecast, worth.result(), run, size, wall_s))
        finally:
            world.close()
    return done


def _queue(client: StationClient, scan: Scan) -> int:
    """Number of the new entry. One that fails keeps none of the others from being rehearsed."""
    answer = client.command("queue_add", QUEUE_S, scan=scan.text, path=scan.name, on_fault="skip")
    return int(answer["entry"])


def _begun(client: StationClient, entry: int, console: Console) -> str:
    """Wait until the queue has begun the entry; its run."""
    line = _until(client, entry, lambda line: bool(line.run) or not line.open, console)
    if not line.run:
        raise CommandRefused(f"{line.name}: {line.reason}")
    return line.run


def _until(
    client: StationClient, entry: int, wanted: Callable[[QueueLine], bool], console: Console
) -> QueueLine:
    """The entry, once it stands as wanted. What keeps the queue from it is told, once each."""
    told = {""}
    while True:
        lines = queue_lines(client.get("queue:table"))
        line = next((line for line in lines if line.entry == entry), None)
        if line is not None and wanted(line):
            return line
        waits_for = (line.waits_for if line else "") or str(client.get("queue:reason") or "")
        if waits_for not in told:
            told.add(waits_for)
            console.print(f"the queue waits: {waits_for}", markup=False, highlight=False)
        sleep(POLL_S)


def _forecast(scan: Scan, config: RigConfig, data: Path) -> dict[str, Any]:
    answer = check_scan(scan.text, config, data)
    if not answer["ok"]:
        raise CommandRefused(f"{scan.name}: {'; '.join(answer['problems'])}")
    return answer


def _worths(scan: Scan, config: RigConfig, data: Path) -> list[PointWorth]:
    """Of no point where the scan has more of them than a forecast is made for: each costs a fit of
    all others."""
    definition = with_geometry(scan.definition, config)
    if sum(number_of_points(part) for part in definition.parts) > FORECAST_POINTS:
        return []
    request = FitRequest(definition, config, prior_from_run(definition, data))
    return point_worths(
        request,
        whole_course(definition, config.scan_timing()),
        light_of(config),
        lambda isotope: counting_rate(isotope, config, data),
    )


def _geometry(scans: Sequence[Scan]) -> str | None:
    return next((s.definition.geometry for s in scans if s.definition.geometry), None)


def _bring_widths(scans: Sequence[Scan], data: Path, folder: Path) -> None:
    """Runs that `fit_width_from` names, without their frames: the rehearsal fits with them too."""
    for name in {s.definition.fit_width_from for s in scans} - {None}:
        source = Catalogue(data).resolve(str(name))
        target = folder / source.name
        if not target.exists():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(FRAMES))


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with TemporaryDirectory(prefix="atta-daq-rehearsal-") as scratch:
        yield Path(scratch)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
