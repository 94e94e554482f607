"""Tables measured elsewhere: what they become, and how wrong ones are refused."""

from pathlib import Path

import pytest

from atta_daq.analysis.points import normalise
from atta_daq.analysis.records import SegmentKind
from atta_daq.archive.errors import ImportProblem
from atta_daq.archive.import_csv import SOURCE, import_csv
from atta_daq.archive.run_folder import RunState

EXAMPLES = Path(__file__).parents[2] / "examples"
FULL = (
    "isotope,detuning [MHz],power [mW],pumping,counts,live [s],efficiency,efficiency_error,"
    "loading_83 [1/s],loading_83_error [1/s]\n"
)


def _import(tmp_path: Path, text: str, clock):
    path = tmp_path / "lab.csv"
    path.write_text(text, encoding="utf-8")
    return import_csv(path, tmp_path / "data", clock)


def test_table_2_of_the_paper_gives_its_increases(tmp_path: Path, clock) -> None:
    run = import_csv(EXAMPLES / "paper_table2.csv", tmp_path, clock)
    assert run.state is RunState.COMPLETE
    assert run.header.isotopes == (81, 83, 84, 85)
    assert run.header.rate_unit == "arb"
    assert run.header.origin == "imported"
    assert "Table 2" in run.header.metadata["source"]
    increases = {}
    for isotope in run.header.isotopes:
        points = {p.pumping: p for p in normalise(run.segments, isotope).points}
        on, off = points[True], points[False]
        increase = on.ratio / off.ratio - 1.0
        error = (1.0 + increase) * (
            (on.error / on.ratio) ** 2 + (off.error / off.ratio) ** 2
        ) ** 0.5
        increases[isotope] = (round(100 * increase), round(100 * error))
    assert increases == {84: (83, 9), 83: (49, 6), 85: (57, 6), 81: (66, 9)}


def test_counts_units_and_normalisers_survive(tmp_path: Path, clock) -> None:
    text = (
        "# date: 2026-05-01T10:00:00+00:00\n# geometry: counter\n# operator: B. Lab\n"
        "isotope,detuning [GHz],power [W],pumping,counts,live [min],efficiency [%],"
        "loading_83 [V/s],loading_83_error [V/s],time [h]\n"
        "85, -0.5, 0.4, on, 120, 2, 95, 1.1, 0.02, 0.1\n"
        "\n"
        "85, -0.3, 0.4, on, 130, 2, 95, 0.9, 0.03, 0.2\n"
        "85, -0.5, 0.4, on, 121, 2, 95, 1.1, 0.02, 0.3\n"
        "0, , , off, 3, 10, , , , 0.4\n"
    )
    run = _import(tmp_path, text, clock)
    assert run.header.geometry == "counter"
    assert run.header.axes == ("detuning_mhz",)
    assert run.run_id.startswith("20260501-100000-85Kr-lab-")
    assert (run.folder / SOURCE).read_text() == text
    counted = [s for s in run.segments if s.kind is SegmentKind.RARE]
    assert [s.setting.detuning_mhz for s in counted] == [-500.0, -300.0, -500.0]
    assert [s.setting.power_mw for s in counted] == [400.0] * 3
    assert [s.point for s in counted] == [0, 1, 0]
    assert [s.live_s for s in counted] == [120.0] * 3
    assert [s.efficiency for s in counted] == pytest.approx([0.95] * 3)
    (blank,) = [s for s in run.segments if s.kind is SegmentKind.BLANK]
    assert (blank.counts, blank.live_s) == (3, 600.0)
    # The row's own 83Kr rate divides it, exactly, with its own error.
    data = normalise(run.segments, 85)
    assert data.blanks[0].counts == 3
    mean = (1.1 + 0.9 + 1.1) / 3
    by_point = {p.index: p for p in data.points}
    assert by_point[1].normaliser == pytest.approx(0.9 / mean)
    assert by_point[1].normaliser_error == pytest.approx(0.03 / 0.9)
    assert by_point[0].normaliser == pytest.approx(1.1 / mean)


def test_rows_without_time_keep_their_own_normaliser(tmp_path: Path, clock) -> None:
    rows = "85,10,400,on,50,60,0.9,0.01,2.0,0.1\n85,20,400,on,60,60,0.9,0.01,4.0,0.1\n"
    run = _import(tmp_path, FULL + rows, clock)
    points = normalise(run.segments, 85).points
    assert [p.normaliser for p in points] == pytest.approx([2 / 3, 4 / 3])


def test_other_comments_a_byte_order_mark_and_spaces_do_no_harm(tmp_path: Path, clock) -> None:
    text = "\ufeff# exported by a lab\nisotope , pumping, rate [1/s] ,rate_error [1/s]\n83,ON,5,1\n"
    (segment,) = _import(tmp_path, text, clock).segments
    assert segment.rate == 5.0
    assert segment.pumping
    assert segment.kind is SegmentKind.LOADING_83


GOOD = "85,10,400,on,50,60,0.9,0.01,2.0,0.1\n"
RATES = "isotope,pumping,rate [arb],rate_error [arb]\n"


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        (FULL.replace(" [MHz]", ""), 1, "detuning", r"unit missing.*detuning \[MHz\]"),
        (FULL.replace("1/s", ""), 1, "loading_83", "unit missing"),
        (FULL.replace("[s]", "[parsec]"), 1, "live", "'parsec' is not known; one of s, min, h"),
        (FULL.replace("pumping", "pump"), 1, "pump", "did you mean 'pumping'"),
        (FULL.replace("pumping,", ""), 1, "pumping", "column missing"),
        (FULL.replace(",live [s]", ""), 1, "live", "column missing"),
        (FULL.replace(",loading_83_error [1/s]", ""), 1, "loading_83_error", "column missing"),
        (FULL.replace("error [1/s]", "error [V]"), 1, "loading_83_error", "differs from '1/s'"),
        (FULL.replace("counts", "counts,counts"), 1, "counts", "twice"),
        ("isotope,pumping\n", 1, "counts", "neither"),
        (FULL + GOOD + GOOD.replace("50", "-50"), 3, "counts", "must not be negative"),
        (FULL + GOOD.replace("50", "50.5"), 2, "counts", "whole number"),
        (FULL + GOOD.replace("50", "many"), 2, "counts", "'many' is not a number"),
        (FULL + GOOD.replace("50", "nan"), 2, "counts", "not finite"),
        (FULL + GOOD.replace("50", ""), 2, "counts", "either counts or a rate"),
        (FULL + GOOD.replace("60", "0"), 2, "live", "greater than 0"),
        (FULL + GOOD.replace("60", ""), 2, "live", "empty"),
        (FULL + GOOD.replace("0.9", "1.2"), 2, "efficiency", "at most 1"),
        (FULL + GOOD.replace("on", "maybe"), 2, "pumping", "on or off"),
        (FULL + GOOD.replace("85", "86"), 2, "isotope", "one of 0, 81, 83, 84, 85"),
        (FULL + GOOD.replace("85", "83"), 2, "counts", "measured by its loading rate"),
        (FULL + GOOD.replace("0.1", ""), 2, "loading_83_error", "go together"),
        (FULL + GOOD + GOOD.replace("2.0,0.1", ","), 3, "loading_83", "every row"),
        (FULL + "# a remark\n\n85,10\n", 4, "", "2 cells where the header has 10"),
        (FULL, 1, "", "no measurement"),
        ("# only remarks\n", 1, "", "no header"),
        ("# geometry: sideways\n" + FULL + GOOD, 1, "geometry", "'co' or 'counter'"),
        ("# date: yesterday\n" + FULL + GOOD, 1, "date", "2026-11-22"),
        (RATES + "83,on,5,\n", 2, "rate_error", "empty"),
        (RATES + "83,on,5,0\n", 2, "rate_error", "greater than 0"),
        (RATES + "83,on,-5,1\n", 2, "rate", "greater than 0"),
    ],
)
def test_a_wrong_table_is_refused_with_line_and_column(
    text: str, line: int, column: str, words: str, tmp_path: Path, clock
) -> None:
    with pytest.raises(ImportProblem, match=words) as caught:
        _import(tmp_path, text, clock)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert f"lab.csv, line {line}" in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_what_is_not_text_or_not_there_is_refused(tmp_path: Path, clock) -> None:
    (tmp_path / "lab.csv").write_bytes(b"isotope,\xff\xfe")
    with pytest.raises(ImportProblem, match="not UTF-8"):
        import_csv(tmp_path / "lab.csv", tmp_path / "data", clock)
    with pytest.raises(ImportProblem, match="No such file"):
        import_csv(tmp_path / "none.csv", tmp_path / "data", clock)
