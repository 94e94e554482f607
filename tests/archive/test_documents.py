"""The reference pages name everything that the code knows."""

from pathlib import Path

import pytest

from atta_daq.archive import import_columns, run_folder
from atta_daq.archive.import_csv import SOURCE, import_csv
from atta_daq.archive.journal import DocumentKind

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_every_column_and_unit_of_an_import_is_described() -> None:
    page = (REFERENCE / "import-format.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if "| `" in line}
    for name, kind in import_columns.COLUMNS.items():
        row = rows[f"`{name}`"]
        for unit in kind.units:
            if unit not in ("", "1", "µW"):
                assert unit in row, f"{name} [{unit}]"


def test_every_document_kind_and_file_of_a_run_is_described() -> None:
    page = (REFERENCE / "archive.md").read_text(encoding="utf-8")
    names = [f"`{kind.value}`" for kind in DocumentKind]
    names += [run_folder.JOURNAL, run_folder.FRAMES, run_folder.SCAN, run_folder.RIG]
    names += [run_folder.FIT, run_folder.OWNER, run_folder.TRUTH, SOURCE]
    for name in names:
        assert name in page, name


@pytest.mark.filterwarnings("error")
def test_the_example_of_the_page_can_be_imported(tmp_path: Path, clock) -> None:
    page = (REFERENCE / "import-format.md").read_text(encoding="utf-8")
    example = page.split("## Example")[1].split("```")[1].lstrip()
    path = tmp_path / "example.csv"
    path.write_text(example, encoding="utf-8")
    run = import_csv(path, tmp_path / "data", clock)
    assert [s.counts for s in run.segments if not s.bracket] == [151, 163, 139, 1]
    assert run.header.axes == ("detuning_mhz",)
