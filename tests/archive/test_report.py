"""The report: one file, complete, honest about the state of the run."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from atta_daq.analysis.compare import compare_on_off
from atta_daq.analysis.records import SegmentKind, Setting
from atta_daq.analysis.results import Curve, FitResult, Goodness, Parameter
from atta_daq.archive.header import CalibrationUse
from atta_daq.archive.import_csv import import_csv
from atta_daq.archive.parts import run_parts
from atta_daq.archive.report import build_report
from atta_daq.archive.report_rows import calibration_rows, note_text, truth_rows
from atta_daq.archive.run_folder import RunState, open_run
from atta_daq.archive.truth import source_at_start
from simulators.truth import Truth, to_toml

EXAMPLES = Path(__file__).parents[2] / "examples"
BRACKET = {
    "kind": SegmentKind.LOADING_83,
    "isotope": 83,
    "pumping": False,
    "bracket": True,
    "point": None,
    "counts": None,
    "efficiency": None,
    "setting": Setting(),
    "rate": 2.0,
    "rate_error": 0.02,
}


class _Page(HTMLParser):
    """Text, images and references of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.words: list[str] = []
        self.images: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if tag == "img" and name == "src":
                self.images.append(value or "")
            elif name in ("src", "href", "data", "action"):
                self.references.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def drawings(self) -> list[str]:
        """The plots, as well-formed SVG."""
        found = []
        for image in self.images:
            head, _, body = image.partition(",")
            assert head == "data:image/svg+xml;base64"
            svg = base64.b64decode(body).decode()
            ElementTree.fromstring(svg)
            found.append(svg)
        return found


def _fit(axis: str, x: np.ndarray, **more: float) -> FitResult:
    parameters = (
        Parameter("background", 2500.0, 61.0, "atoms/h", -60.0, 62.0, meaning="without pumping"),
        Parameter("amplitude", 0.57, 0.06, "", -0.061, 0.063),
        Parameter("position_mhz", -20.0, 17.0, "MHz", -16.6, 18.2),
        Parameter("rabi_scale", 4.0, 0.0, "", fixed=True),
    )
    return FitResult(
        model="f-level spectrum",
        isotope=85,
        parameters=parameters,
        covariance=np.diag([61.0**2, 0.06**2, 17.0**2]),
        goodness=Goodness("Poisson deviance", 8.1, 7, 0.32),
        valid=True,
        message="",
        last_block=3,
        curve=Curve(axis, x, np.linspace(2500.0, 3900.0, x.size), np.full(x.size, 80.0)),
        derived=(Parameter("peak_mhz", -100.0, 20.0, "MHz"),),
        notes=("strongest feature named",),
        settings={"geometry": "co"},
    )


def _scan(make_run, make_segment, setting, count: int = 7, **header):
    """A run of `count` points with references, brackets and a flagged attempt."""
    writer = make_run(rate_unit="V/s", **header)
    writer.segment(make_segment(0, **BRACKET))
    for i in range(count):
        index = 2 * i + 1
        writer.segment(make_segment(index, point=i, setting=setting(i), counts=50 + 3 * i))
        writer.segment(
            make_segment(index + 1, point=None, block=i, pumping=False, setting=setting(i))
        )
    last = 2 * count + 1
    writer.segment(make_segment(last, flag="lock: mode hop", setting=setting(0)))
    writer.segment(make_segment(last + 1, **BRACKET))
    return writer


def test_a_report_needs_nothing_beside_it_and_says_everything(make_run, make_segment) -> None:
    calibration = CalibrationUse(
        "Doppler shift, odd", 266.0, 4.0, "MHz", 1.79e9, "rig file",
        stale="made 2026-01-01, valid for 30 days", note="at 4 K",
    )  # fmt: skip
    writer = _scan(
        make_run,
        make_segment,
        lambda i: Setting(detuning_mhz=-400.0 + 150.0 * i, power_mw=498.0),
        calibrations=(calibration,),
        metadata={"operator": "A. Bench", "sample": "air", "note": "<script>alert(1)</script>"},
    )
    writer.append("calibration", {"name": "axis zero", "zero_ratio": 0.4701})
    writer.note("liquid nitrogen refilled", "A. Bench")
    writer.fit("85Kr", _fit("detuning_mhz", np.linspace(-500.0, 600.0, 50)))
    writer.close(RunState.COMPLETE)
    page = _Page(build_report(open_run(writer.folder)))

    assert page.references == []
    assert not page.tags & {"script", "link", "iframe", "object"}
    assert "http" not in re.sub(r"data:image[^\"]*", "", page.source)
    assert "url(" not in page.source
    assert len(page.drawings()) == 2

    for words in (
        "Doppler shift, odd at 4 K made 2026-01-01, valid for 30 days",
        writer.run_id, "complete", "85Kr: demo", "co-propagating", "A. Bench",
        "2500 ± 60 +60 −60 atoms/h", "57 ± 6 +6 −6 %", "−20 ± 17 +18 −17 MHz", "4 (held)",
        "Poisson deviance 8.1 for 7 degrees of freedom, p = 0.32 (chi-square law)",
        "strongest feature named", "camera open within counting segments", "switching",
        "266 ± 4 MHz", "axis zero", "zero ratio 0.4701", "68 % interval (MINOS)",
        "liquid nitrogen refilled",
        "lock: mode hop", "scan.toml", "rig.toml", "<script>alert(1)</script>",
    ):  # fmt: skip
        assert words in page.text, words
    assert "simulated" not in page.text


@pytest.mark.parametrize(
    ("axis", "setting"),
    [
        ("power_mw", lambda i: Setting(detuning_mhz=0.0, power_mw=60.0 * (i + 1))),
        (
            "sideband_frequency_mhz",
            lambda i: Setting(
                detuning_mhz=0.0, sideband_frequency_mhz=100.0 + 40.0 * i, sideband_depth=0.4
            ),
        ),
        (
            "sideband_depth",
            lambda i: Setting(
                detuning_mhz=0.0, sideband_frequency_mhz=230.0, sideband_depth=0.2 * i
            ),
        ),
    ],
)
def test_other_sweeps_are_plotted_too(axis, setting, make_run, make_segment) -> None:
    writer = _scan(make_run, make_segment, setting, axes=(axis,))
    writer.fit("85Kr", _fit(axis, np.linspace(0.0, 500.0, 20)))
    writer.close(RunState.COMPLETE)
    page = _Page(build_report(open_run(writer.folder)))
    assert len(page.drawings()) == 2
    assert ("sideband MHz" in page.text) == axis.startswith("sideband")


def test_a_sweep_of_two_quantities_without_fit_is_plotted(make_run, make_segment) -> None:
    writer = _scan(
        make_run,
        make_segment,
        lambda i: Setting(detuning_mhz=100.0 * (i // 8), power_mw=50.0 * (i % 8)),
        count=24,
    )
    page = _Page(build_report(open_run(writer.folder)))
    assert "running" in page.text
    assert "No fit yet." in page.text
    assert len(page.drawings()) == 2


def test_a_comparison_shows_its_increase_and_every_segment(make_run, make_segment) -> None:
    writer = make_run(axes=())
    for index, pumping in enumerate([False, True, True, False] * 3):
        counts = 80 if pumping else 50
        writer.segment(make_segment(index, pumping=pumping, counts=counts, point=0, block=index))
    run = open_run(writer.folder)
    (part,) = run_parts(run)
    writer.fit("85Kr", compare_on_off(part.data, minos=True))
    writer.close(RunState.COMPLETE)
    page = _Page(build_report(open_run(writer.folder)))
    assert len(page.drawings()) == 3  # increases, segments in order, against time
    assert "60 ± 12" in page.text
    assert "nothing is left to test" in page.text


def test_the_paper_s_table_2_is_reported_with_its_increases(tmp_path, clock) -> None:
    run = import_csv(EXAMPLES / "paper_table2.csv", tmp_path, clock)
    fits = {part.name: compare_on_off(part.data) for part in run_parts(run)}
    run.save_fits(fits)
    page = _Page(build_report(run))
    for words in ("83 ± 9 %", "49 ± 6 %", "57 ± 6 %", "66 ± 9 %", "arb", "Table 2"):
        assert words in page.text, words
    assert "camera open" not in page.text


def test_truth_stands_beside_the_fit_only_where_there_is_one(make_run, make_segment) -> None:
    writer = _scan(
        make_run,
        make_segment,
        lambda i: Setting(detuning_mhz=-400.0 + 150.0 * i, power_mw=498.0),
    )
    writer.fit("85Kr", _fit("detuning_mhz", np.linspace(-500.0, 600.0, 50)))
    writer.close(RunState.COMPLETE)
    assert "Truth" not in _Page(build_report(open_run(writer.folder))).text
    (writer.folder / "truth.toml").write_text(to_toml(Truth()), encoding="utf-8")
    page = _Page(build_report(open_run(writer.folder)))
    # 85Kr, co-propagating: closed line at -204 MHz at rest, moved up by the modal Doppler shift.
    row = re.search(r"position −20 ± 17 (\S+) MHz (\S+)", page.text)
    assert row is not None
    assert float(row[1]) == pytest.approx(59.0, abs=3.0)
    assert float(row[2].replace("−", "-")) == pytest.approx((-20.0 - 59.0) / 17.0, abs=0.2)
    assert "supply_ratio = 10.2" in page.text


def test_a_truth_of_another_shape_costs_only_its_table(make_run, make_segment, caplog) -> None:
    writer = _scan(make_run, make_segment, lambda i: Setting(detuning_mhz=100.0 * i))
    writer.fit("85Kr", _fit("detuning_mhz", np.linspace(0.0, 600.0, 50)))
    (writer.folder / "truth.toml").write_text("[pumping]\n", encoding="utf-8")
    page = _Page(build_report(open_run(writer.folder)))
    assert "This run was taken on a simulated rig" in page.text
    assert "pull" not in page.text
    assert "truth.toml cannot be set beside the fit" in caplog.text


def test_a_crashed_and_an_empty_run_are_reported_as_such(make_run, make_segment) -> None:
    crashed = _scan(make_run, make_segment, lambda i: Setting(detuning_mhz=100.0 * i))
    crashed.abandon()
    journal = crashed.folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-9])
    page = _Page(build_report(open_run(crashed.folder)))
    assert "crashed" in page.text
    assert "last line was torn" in page.text
    empty = make_run()
    empty.close(RunState.ABORTED, "STOP by A. Bench")
    page = _Page(build_report(open_run(empty.folder)))
    assert "aborted STOP by A. Bench" in page.text.replace(empty.run_id, "").replace("  ", " ")
    assert page.images == []


def test_a_fit_that_did_not_converge_says_so(make_run, make_segment) -> None:
    writer = _scan(make_run, make_segment, lambda i: Setting(detuning_mhz=100.0 * i))
    fit = _fit("detuning_mhz", np.linspace(0.0, 600.0, 50))
    failed = FitResult(**{**vars(fit), "valid": False, "message": "limit of position_mhz"})
    writer.fit("85Kr", failed)
    page = _Page(build_report(open_run(writer.folder)))
    assert "did not converge: limit of position_mhz" in page.text


def test_both_camera_figures_stand_in_the_report_with_the_clock_they_are_of(
    make_run, make_segment
) -> None:
    writer = _scan(make_run, make_segment, lambda i: Setting(detuning_mhz=100.0 * i))
    writer.close(RunState.COMPLETE)
    page = _Page(build_report(open_run(writer.folder)))
    found = re.search(
        r"Camera open ([\d.]+) % of the wall time within counting segments, ([\d.]+) % of the",
        page.text,
    )
    assert found is not None
    # 60 s live in 62 s; 14 counting segments of 60 s in the span of 17 segments 100 s apart.
    assert float(found[1]) == pytest.approx(100.0 * 60.0 / 62.0, abs=0.06)
    assert float(found[2]) == pytest.approx(100.0 * 14 * 60.0 / 1663.5, abs=0.2)
    (writer.folder / "rig.toml").write_text("[clock]\nrate = 120.0\n", encoding="utf-8")
    fast = _Page(build_report(open_run(writer.folder))).text
    assert "% of the rig time within counting segments" in fast
    assert "ran 120 times as fast as the wall clock" in fast


def test_a_fit_along_one_axis_is_not_drawn_over_a_sweep_of_two(make_run, make_segment) -> None:
    writer = _scan(
        make_run,
        make_segment,
        lambda i: Setting(
            detuning_mhz=0.0, sideband_frequency_mhz=100.0 + 40.0 * (i // 2),
            sideband_depth=(0.4, 1.0)[i % 2],
        ),
        count=16,
    )  # fmt: skip
    writer.fit("85Kr", _fit("sideband_depth", np.linspace(0.4, 1.0, 20)))
    page = _Page(build_report(open_run(writer.folder)))
    assert "the fit is in the table only" in page.text
    assert "Line and band" not in page.text


def test_a_calibration_of_the_run_is_read_with_its_errors_and_units() -> None:
    body = {
        "name": "counting",
        "fsr_mhz": 3000.0,
        "fsr_error_mhz": 1.0,
        "zero_error_mhz": 0.2122,
        "shape": [40, 40],
        "dwell_s": {"value": 0.4984, "error": 0.0352, "unit": "s"},
        "zero_electrons": {"value": -0.63, "error": 0.54, "unit": "e-"},
        "source": "reference cell",
    }
    assert calibration_rows(body) == [
        ("free spectral range", "3000.0 ± 1.0", "MHz"),
        ("zero error", "0.212", "MHz"),
        ("shape", "40 × 40", ""),
        ("dwell", "0.498 ± 0.035", "s"),
        ("zero", "−0.6 ± 0.5", "e-"),
        ("source", "reference cell", ""),
    ]


def test_notes_name_parameters_in_words_and_leave_components_alone() -> None:
    fit = _fit("detuning_mhz", np.linspace(0.0, 600.0, 50))
    note = "rabi_scale held; peak at -183 MHz: 9/2-11/2, 11/2-13/2 (closed)"
    assert note_text(note, fit) == "Rabi scale held; peak at −183 MHz: 9/2-11/2, 11/2-13/2 (closed)"


def test_a_counted_background_stands_beside_the_source_at_its_start_without_a_pull() -> None:
    fit = _fit("detuning_mhz", np.linspace(0.0, 600.0, 50))
    truth = Truth().model_dump()
    start = source_at_start(truth, 85)
    (row,) = truth_rows(fit, {}, start)
    assert (row.name, row.true, row.pull) == ("background", "(2500)", "")
    assert source_at_start(truth, 83) is None
