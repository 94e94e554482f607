"""The generated reference pages are what the code says today."""

from pathlib import Path

import pytest

from atta_daq.cli.documents import pages
from atta_daq.cli.lazy import COMMANDS


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_page_is_up_to_date(name: str) -> None:
    stored = (Path("docs/reference") / name).read_text()
    assert stored == pages()[name], "run `make docs` and commit the result"


def test_every_command_has_its_place() -> None:
    page = pages()["commands.md"]
    assert [line[12:] for line in page.splitlines() if line.startswith("## ")] == list(COMMANDS)
    for said in (
        "### atta-daq queue change",
        "| `--free-width / --no-free-width`",
        "| `--speed float` | `120` |",
    ):
        assert said in page
    assert "--parent-pid" not in page, "hidden"
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


@pytest.mark.parametrize("name", ["rig-file.md", "scan-file.md"])
def test_every_key_says_what_it_means(name: str) -> None:
    rows = [line for line in pages()[name].splitlines() if line.startswith("| `")]
    silent = [row for row in rows if row.split("|")[-2].strip() == ""]
    assert silent == []
