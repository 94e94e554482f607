"""Exported files hold what the run holds, and open by the conventions of their format."""

import csv
import io

import h5py
import numpy as np
import pytest

from atta_daq.analysis.records import SegmentKind, Setting
from atta_daq.analysis.results import Curve, FitResult, Goodness, Parameter
from atta_daq.archive.chain import open_chain
from atta_daq.archive.export import export
from atta_daq.archive.parts import run_parts
from atta_daq.archive.run_folder import RunState, open_run


def _read(path) -> tuple[list[str], list[dict[str, str]]]:
    lines = path.read_text().splitlines()
    remarks = [line for line in lines if line.startswith("#")]
    body = io.StringIO("\n".join(line for line in lines if not line.startswith("#")))
    return remarks, list(csv.DictReader(body))


@pytest.fixture
def spectrum(make_run, make_segment):
    """Five points in shuffled order with a reference, brackets, frames and a fit."""
    writer = make_run(rate_unit="V/s", program="atta-daq test")
    frames = writer.open_frames(8, 8)
    frames.append(np.full((8, 8), 7, np.uint16), 11, 1.5)
    order = [2, 0, 4, 1, 3]
    index = 0
    bracket = {
        "kind": SegmentKind.LOADING_83,
        "isotope": 83,
        "pumping": False,
        "bracket": True,
        "point": None,
        "counts": None,
        "efficiency": None,
        "rate": 2.0,
        "rate_error": 0.02,
        "setting": Setting(),
    }
    writer.segment(make_segment(index, **bracket))
    for point in order:
        index += 1
        setting = Setting(detuning_mhz=-400.0 + 50.0 * point, power_mw=400.0)
        writer.segment(make_segment(index, point=point, setting=setting, counts=100 + point))
    index += 1
    writer.segment(make_segment(index, point=None, pumping=False, counts=60))
    writer.segment(make_segment(index + 1, flag="camera stalled"))
    writer.segment(make_segment(index + 2, **bracket))
    x = np.linspace(-420.0, -180.0, 7)
    fit = FitResult(
        model="f-level spectrum",
        isotope=85,
        parameters=(
            Parameter("position_mhz", -300.0, 12.0, "MHz", -11.0, 13.0),
            Parameter("rabi_scale", 4.0, 0.0, "", fixed=True),
        ),
        covariance=np.array([[144.0]]),
        goodness=Goodness("Poisson deviance", 4.0, 3, 0.3),
        valid=True,
        message="",
        last_block=0,
        curve=Curve("detuning_mhz", x, np.full(7, 6000.0), np.full(7, 100.0)),
    )
    writer.fit("85Kr", fit)
    return writer


def test_tables_hold_every_segment_and_every_point_with_units(spectrum) -> None:
    spectrum.close(RunState.COMPLETE)
    run = open_run(spectrum.folder)
    segments_path, points_path = export(run, "csv").paths
    remarks, segments = _read(segments_path)
    assert remarks == [f"# run: {run.run_id}", "# state: complete"]
    assert [int(row["index"]) for row in segments] == [s.index for s in run.segments]
    for row, segment in zip(segments, run.segments, strict=True):
        assert float(row["live [s]"]) == segment.live_s
        assert float(row["dead: switching [s]"]) == 1.0
        assert row["flag"] == segment.flag
        assert row["counts"] == ("" if segment.counts is None else str(segment.counts))
        assert row["rate [V/s]"] == ("" if segment.rate is None else str(segment.rate))
        detuning = segment.setting.detuning_mhz
        assert row["detuning [MHz]"] == ("" if detuning is None else str(detuning))
    _, points = _read(points_path)
    (part,) = run_parts(run)
    assert len(points) == len(part.data.points) == 6
    for row, point in zip(points, part.data.points, strict=True):
        assert float(row["normalised rate"]) == point.ratio
        assert float(row["normalised rate_error"]) == point.error
        assert row["unit of the rate"] == "atoms/h"
        assert row["pumping"] == ("on" if point.pumping else "off")


def test_the_nexus_file_plots_by_itself_and_its_links_lead_to_the_frames(spectrum) -> None:
    spectrum.close(RunState.COMPLETE)
    run = open_run(spectrum.folder)
    (path,) = export(run, "nexus").paths
    (part,) = run_parts(run)
    with h5py.File(path) as file:
        # The way a viewer finds its first plot: default, default, signal, axes.
        assert file.attrs["NX_class"] == "NXroot"
        entry = file[file.attrs["default"]]
        assert entry.attrs["NX_class"] == "NXentry"
        plot = entry[entry.attrs["default"]]
        assert plot.attrs["NX_class"] == "NXdata"
        signal = plot[plot.attrs["signal"]]
        (axis,) = plot.attrs["axes"]
        assert plot.attrs[f"{axis}_indices"] == 0
        assert signal.shape == plot[axis].shape == plot["rate_errors"].shape == (5,)
        assert (axis, plot[axis].attrs["units"]) == ("detuning_mhz", "MHz")
        assert signal.attrs["units"] == "atoms/h"
        assert np.all(np.diff(plot[axis]) > 0)
        on = sorted(
            (p.setting.detuning_mhz, p.ratio, p.counts) for p in part.data.points if p.pumping
        )
        assert list(zip(plot[axis], signal, plot["counts"], strict=True)) == on

        detector = entry["instrument/emccd"]
        assert isinstance(detector.get("data", getlink=True), h5py.ExternalLink)
        assert detector["data"].shape == (1, 8, 8)
        assert np.all(detector["data"][0] == 7)
        assert detector["frame_number"][0] == 11

        fit = entry["fit_85Kr"]
        assert fit[fit.attrs["signal"]].shape == fit["detuning_mhz"].shape == (7,)
        assert fit["curve_errors"].shape == (7,)
        position = entry["analysis_85Kr/parameters/position_mhz"]
        assert position[()] == -300.0
        assert position.attrs["units"] == "MHz"
        assert (position.attrs["error"], position.attrs["minos_lower"]) == (12.0, -11.0)
        assert "minos_lower" not in entry["analysis_85Kr/parameters/rabi_scale"].attrs

        table = entry["segments"]
        assert table["counts"][:].tolist() == [
            -1 if s.counts is None else s.counts for s in run.segments
        ]
        assert table["flag"].asstr()[7] == "camera stalled"
        assert np.isnan(table["rate"][1])
        assert entry["loading_83/rate"][:].tolist() == [2.0, 2.0]
        assert entry["reference_85Kr/rate"].shape == (1,)
        assert entry["entry_identifier"].asstr()[()] == run.run_id
        assert entry["sample/name"].asstr()[()] == "air"
        assert entry["configuration/scan_toml/data"].asstr()[()] == run.scan_toml


def test_every_group_says_its_class_and_every_number_its_unit(spectrum) -> None:
    spectrum.close(RunState.COMPLETE)
    (path,) = export(open_run(spectrum.folder), "nexus").paths
    unitless = {
        "counts",
        "index",
        "index_in_run",
        "block",
        "attempt",
        "isotope",
        "point",
        "exposures",
    }
    unitless |= {"covariance", "value", "degrees_of_freedom", "p_value", "curve", "curve_errors"}
    missing = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Group) and "NX_class" not in item.attrs:
            missing.append(name)
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            known = name.rsplit("/", 1)[-1] in unitless
            if "units" not in item.attrs and not known:
                missing.append(name)

    with h5py.File(path) as file:
        file.visititems(visit)
    assert missing == []


def test_links_of_a_crashed_run_work_in_any_program(spectrum) -> None:
    live = spectrum.folder / "frames.h5"
    left_by_a_dead_writer = live.read_bytes()
    spectrum.abandon()
    live.write_bytes(left_by_a_dead_writer)
    with pytest.raises(OSError, match="open for write"):
        h5py.File(live, "r")
    run = open_run(spectrum.folder)
    assert run.state is RunState.CRASHED
    (path,) = export(run, "nexus").paths
    with h5py.File(path) as file:
        assert np.all(file["entry/instrument/emccd/data"][0] == 7)


@pytest.fixture
def chain(make_run, make_segment):
    """Two runs that go on with one another; the first one's writer died. Every frame shows
    whose it is: the counts of its segment."""
    runs = []
    for number, points in enumerate(([0, 1, 2], [2, 3])):
        resumes = {"resumes": runs[0].run_id} if runs else {}
        writer = make_run(rate_unit="V/s", **resumes)
        frames = writer.open_frames(8, 8)
        for index, point in enumerate(points):
            value = 10 * (number + 1) + index
            for _ in range(index + 1):
                frames.append(np.full((8, 8), value, np.uint16), value, 1.5)
            writer.segment(
                make_segment(index, run_id=writer.run_id, block=point, point=point, counts=value)
            )
        runs.append(writer)
        if number == 0:
            killed = (writer.folder / "frames.h5").read_bytes()
            writer.abandon()
            (writer.folder / "frames.h5").write_bytes(killed)
        else:
            writer.close(RunState.COMPLETE)
    return open_chain(runs[-1].folder)


def test_every_segment_of_a_chain_finds_its_own_frames_in_the_nexus_file(chain) -> None:
    """Each run counts its segments from 0: an index alone led into another run's frames."""
    (path,) = export(chain, "nexus").paths
    with h5py.File(path) as file:
        instrument, table = file["entry/instrument"], file["entry/segments"]
        assert "emccd" not in instrument, "it would not say whose frames it has"
        assert [name for name in instrument if name.startswith("emccd")] == ["emccd_1", "emccd_2"]
        detectors = [instrument["emccd_1"], instrument["emccd_2"]]
        assert {g.attrs["NX_class"] for g in detectors} == {"NXdetector"}
        by_run = {g["run_id"].asstr()[()]: g for g in detectors}
        assert list(by_run) == [run.run_id for run in chain.runs]
        assert table["index"][:].tolist() == [0, 1, 2, 3, 4]
        assert table["index_in_run"][:].tolist() == [0, 1, 2, 0, 1]
        for run_id, index, counts in zip(
            table["run_id"].asstr()[:], table["index_in_run"][:], table["counts"][:], strict=True
        ):
            detector = by_run[run_id]
            (place,) = np.flatnonzero(detector["segments"]["segment"] == index)
            _, first, count = detector["segments"][place]
            assert count == index + 1
            assert np.all(detector["data"][first : first + count] == counts)
            assert np.all(detector["frame_number"][first : first + count] == counts)


def test_the_table_of_a_chain_names_run_and_index_in_it(chain) -> None:
    segments_path, _ = export(chain, "csv").paths
    _, rows = _read(segments_path)
    first, second = (run.run_id for run in chain.runs)
    assert [(r["index"], r["run_id"], r["index_in_run"]) for r in rows] == [
        ("0", first, "0"), ("1", first, "1"), ("2", first, "2"), ("3", second, "0"),
        ("4", second, "1"),
    ]  # fmt: skip
    assert chain.runs[0].frames().segments == {0: 1, 1: 2, 2: 3}


def test_a_comparison_on_and_off_is_plotted_against_time(make_run, make_segment) -> None:
    writer = make_run(axes=())
    for index, pumping in enumerate([False, True, True, False]):
        place = {"point": 0, "block": index, "setting": Setting(detuning_mhz=-204.0)}
        writer.segment(make_segment(index, pumping=pumping, **place))
    writer.close(RunState.COMPLETE)
    (path,) = export(open_run(writer.folder), "nexus").paths
    with h5py.File(path) as file:
        entry = file["entry"]
        assert entry.attrs["default"] == "points_85Kr"
        assert list(entry["points_85Kr"].attrs["axes"]) == ["time"]
        assert entry["reference_85Kr"].attrs["signal"] == "rate"


def test_an_empty_run_can_be_exported(make_run) -> None:
    writer = make_run()
    writer.close(RunState.ABORTED, "nothing taken")
    run = open_run(writer.folder)
    for path in (*export(run, "csv").paths, *export(run, "nexus").paths):
        assert path.stat().st_size > 0


def test_another_format_is_refused(make_run) -> None:
    with pytest.raises(ValueError, match="one of csv, nexus"):
        export(open_run(make_run().folder), "xlsx")  # pyright: ignore[reportArgumentType]
