"""A run as one NeXus file: opens in silx, NexPy and any HDF5 viewer, plots by itself.

    /                 NXroot, default = entry
      entry           NXentry: title, times, default = the first spectrum
        points_85Kr   NXdata: normalised rate with errors along the swept axis, light on
        reference_85Kr  NXdata: the same with the light blocked, against time
        fit_<name>    NXdata: fitted curve and its band
        loading_83    NXdata: the normaliser against time
        segments      NXcollection: one column a quantity of all segments; `run_id` and
                      `index_in_run` lead to the frames of each
        analysis_<name> NXprocess: fitted parameters with errors and units
        instrument    NXinstrument: light (NXbeam), emccd (NXdetector; external links to frames.h5);
                      of a chain emccd_1, emccd_2, ..., one for each run, oldest first
        sample, user, configuration

Frames are not copied: links point to `frames.h5` beside the file and, of a chain, to those of the
earlier runs in the folders beside. The `segment` column there counts from 0 in each run.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np

from atta_daq import __version__
from atta_daq.analysis.points import NormalisedPoint
from atta_daq.analysis.results import FitResult
from atta_daq.archive.axes import AXES, swept
from atta_daq.archive.disk import written_whole
from atta_daq.archive.frames import UNREADABLE, is_cleanly_closed, repair
from atta_daq.archive.origins import origins, runs_of
from atta_daq.archive.parts import RunPart, run_parts
from atta_daq.archive.run_folder import FRAMES, RIG, SCAN, Run, RunState

FILE = "run.nxs"
_UNITS = {axis.name: axis.unit for axis in AXES}


@dataclass(frozen=True)
class Exported:
    """Files of a run for other programs."""

    paths: tuple[Path, ...]
    lacking: tuple[str, ...] = ()
    """In words, for whoever asked for them: what could not be put into them, and why."""


def export_nexus(run: Run) -> Exported:
    """Write run.nxs into the run's folder.

    Frames left open by a writer that died are rewritten first, so that the links work everywhere.
    Frames that cannot be (a power cut may leave an empty file) are left out.
    """
    unusable: dict[str, str] = {}
    for one in runs_of(run):
        frames = one.folder / FRAMES
        if frames.exists() and one.state is not RunState.RUNNING and not is_cleanly_closed(frames):
            try:
                repair(frames)
            except UNREADABLE as error:
                unusable[one.run_id] = str(error)
    path = run.folder / FILE
    with written_whole(path) as beside, h5py.File(beside, "w") as file:
        file.attrs.update(
            NX_class="NXroot",
            default="entry",
            file_name=FILE,
            creator=f"atta-daq {__version__}",
            HDF5_Version=h5py.version.hdf5_version,
        )
        _entry(file, run, unusable)
    lacking = [f"{path} lacks the frames of {name}: {why}" for name, why in unusable.items()]
    return Exported((path,), tuple(lacking))


def _entry(file: h5py.File, run: Run, unusable: Container[str]) -> None:
    header, last = run.header, run.content.documents[-1]
    entry = _group(file, "entry", "NXentry")
    entry["title"] = f"{header.label}: {header.scan_name}"
    entry["entry_identifier"] = run.run_id
    entry["start_time"] = _iso(run.start.utc_s)
    entry["end_time"] = _iso(last.utc_s)
    _field(entry, "duration", last.rig_s - run.start.rig_s, "s").attrs["clock"] = "rig"
    entry["program_name"] = header.program
    entry["experiment_description"] = header.metadata.get("note", "")
    entry["run_state"] = run.state.value
    user = _group(entry, "user", "NXuser")
    user["name"] = header.metadata.get("operator", "")
    sample = _group(entry, "sample", "NXsample")
    sample["name"] = header.metadata.get("sample", "")
    sample["chemical_formula"] = "Kr"
    sample["description"] = header.metadata.get("gas", "")
    for part in run_parts(run):
        plots = _points(entry, part)
        if "default" not in entry.attrs and plots:
            entry.attrs["default"] = plots[0]
    _loading(entry, run)
    for name, fit in run.fits.items():
        _fit(entry, name, fit)
    _segments(entry, run)
    _instrument(entry, run, unusable)
    configuration = _group(entry, "configuration", "NXcollection")
    for name, text in ((SCAN, run.scan_toml), (RIG, run.rig_toml)):
        if text:
            note = _group(configuration, name.replace(".", "_"), "NXnote")
            note["type"], note["file_name"], note["data"] = "application/toml", name, text


def _points(entry: h5py.Group, part: RunPart) -> list[str]:
    data, unit = part.data, part.data.unit
    made = []
    on = [p for p in data.points if p.pumping]
    off = [p for p in data.points if not p.pumping]
    axes = swept(data)
    if on and axes:
        axis = axes[0]
        placed = [p for p in on if axis.value(p) is not None]
        placed.sort(key=lambda p: axis.value(p) or 0.0)
        name = f"points_{part.name}"
        group = _data(entry, name, f"{part.name}, 819-nm light on", axis.name, "rate")
        x = [axis.value(p) for p in placed]
        _field(group, axis.name, np.array(x, np.float64), axis.unit).attrs["long_name"] = axis.title
        _rates(group, placed, unit)
        made.append(name)
    elif on:
        title = f"{part.name}, 819-nm light on"
        made.append(_against_time(entry, f"points_{part.name}", title, on, unit))
    if off:
        title = f"{part.name}, 819-nm light blocked"
        made.append(_against_time(entry, f"reference_{part.name}", title, off, unit))
    return made


def _against_time(
    entry: h5py.Group, name: str, title: str, points: Sequence[NormalisedPoint], unit: str
) -> str:
    group = _data(entry, name, title, "time", "rate")
    _field(group, "time", np.array([p.mid_rig_s for p in points]), "s")
    _rates(group, points, unit)
    return name


def _rates(group: h5py.Group, points: Sequence[NormalisedPoint], unit: str) -> None:
    rate = _field(group, "rate", np.array([p.ratio for p in points]), unit)
    rate.attrs["long_name"] = f"rate over relative 83Kr loading rate [{unit}]"
    _field(group, "rate_errors", np.array([p.error for p in points]), unit)
    _field(group, "live_time", np.array([p.live_s for p in points]), "s")
    if all(p.counts is not None for p in points):
        _field(group, "counts", np.array([p.counts for p in points], np.int64), "1")


def _loading(entry: h5py.Group, run: Run) -> None:
    brackets = [s for s in run.segments if s.bracket and not s.flag and s.rate is not None]
    if not brackets:
        return
    group = _data(entry, "loading_83", "83Kr loading rate (normaliser)", "time", "rate")
    _field(group, "time", np.array([s.mid_rig_s for s in brackets]), "s")
    _field(group, "rate", np.array([s.rate for s in brackets], np.float64), run.header.bracket_unit)
    errors = np.array([s.rate_error or 0.0 for s in brackets], np.float64)
    _field(group, "rate_errors", errors, run.header.bracket_unit)


def _fit(entry: h5py.Group, name: str, fit: FitResult) -> None:
    process = _group(entry, f"analysis_{name}", "NXprocess")
    process["program"] = "atta-daq"
    process["version"] = __version__
    process["model"] = fit.model
    process["message"] = fit.message
    process["valid"] = fit.valid
    goodness = _group(process, "goodness", "NXcollection")
    goodness["statistic"] = fit.goodness.statistic
    goodness["value"] = fit.goodness.value
    goodness["degrees_of_freedom"] = fit.goodness.degrees_of_freedom
    goodness["p_value"] = fit.goodness.p_value
    parameters = _group(process, "parameters", "NXparameters")
    for parameter in (*fit.parameters, *fit.derived):
        value = _field(parameters, parameter.name, parameter.value, parameter.unit)
        value.attrs.update(error=parameter.error, fixed=parameter.fixed)
        if parameter.lower is not None and parameter.upper is not None:
            value.attrs.update(minos_lower=parameter.lower, minos_upper=parameter.upper)
    process.create_dataset("covariance", data=fit.covariance)
    if fit.curve is not None:
        group = _data(entry, f"fit_{name}", f"fit: {fit.model}", fit.curve.axis, "curve")
        _field(group, fit.curve.axis, fit.curve.x, _UNITS.get(fit.curve.axis, ""))
        group["curve"], group["curve_errors"] = fit.curve.y, fit.curve.band


def _segments(entry: h5py.Group, run: Run) -> None:
    """Missing numbers become NaN, missing counts and points -1."""
    segments = run.segments
    group = _group(entry, "segments", "NXcollection")
    if not segments:
        return
    taken = origins(run)
    for name, texts in (
        ("kind", [str(s.kind) for s in segments]),
        ("flag", [s.flag for s in segments]),
        ("run_id", [origin.run_id for origin in taken]),
    ):
        group.create_dataset(name, data=texts, dtype=h5py.string_dtype())
    group["index_in_run"] = np.array([origin.index for origin in taken], np.int64)
    for name in ("index", "block", "attempt", "isotope", "point", "counts", "exposures"):
        values = [getattr(s, name) for s in segments]
        group[name] = np.array([-1 if v is None else v for v in values], np.int64)
    for name in ("pumping", "bracket"):
        group[name] = np.array([getattr(s, name) for s in segments], np.bool_)
    rate = run.header.rate_unit
    for name, unit in (
        ("start_rig_s", "s"),
        ("end_rig_s", "s"),
        ("live_s", "s"),
        ("efficiency", "1"),
        ("efficiency_error", "1"),
        ("rate", rate),
        ("rate_error", rate),
    ):
        _field(group, name, _floats([getattr(s, name) for s in segments]), unit)
    _field(group, "dead_s", _floats([sum(s.dead_s.values()) for s in segments]), "s")
    for axis in AXES:
        values = _floats([getattr(s.setting, axis.name) for s in segments])
        _field(group, axis.name, values, axis.unit)


def _instrument(entry: h5py.Group, run: Run, unusable: Container[str]) -> None:
    """`unusable`: names of the runs without frames to link to."""
    instrument = _group(entry, "instrument", "NXinstrument")
    instrument["name"] = "Atom Trap Trace Analysis rig, krypton"
    light = _group(instrument, "pumping_light", "NXbeam")
    _field(light, "incident_wavelength", 819.0, "nm")
    light["description"] = f"819-nm optical pumping, {run.header.geometry or 'geometry unknown'}"
    runs = runs_of(run)
    for number, one in enumerate(runs, start=1):
        if (one.folder / FRAMES).exists() and one.run_id not in unusable:
            name = "emccd" if len(runs) == 1 else f"emccd_{number}"
            beside = FRAMES if one.folder == run.folder else f"../{one.folder.name}/{FRAMES}"
            _detector(instrument, name, one.run_id, beside)


def _detector(instrument: h5py.Group, name: str, run_id: str, frames: str) -> None:
    """Links to the frames of one run; `frames`: their file, seen from the run's folder."""
    detector = _group(instrument, name, "NXdetector")
    detector["run_id"] = run_id
    for link, target in (
        ("data", "frames"),
        ("frame_number", "unique_id"),
        ("frame_time", "rig_time_s"),
        ("segments", "segments"),
    ):
        detector[link] = h5py.ExternalLink(frames, f"/{target}")


def _group(parent: h5py.Group, name: str, kind: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _data(parent: h5py.Group, name: str, title: str, axis: str, signal: str) -> h5py.Group:
    group = _group(parent, name, "NXdata")
    group.attrs["signal"] = signal
    group.attrs["axes"] = [axis]
    group.attrs[f"{axis}_indices"] = 0
    group["title"] = title
    return group


def _field(group: h5py.Group, name: str, value: object, unit: str) -> h5py.Dataset:
    dataset = group.create_dataset(name, data=value)
    dataset.attrs["units"] = unit
    return dataset


def _floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], np.float64)


def _iso(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).isoformat(timespec="milliseconds")
