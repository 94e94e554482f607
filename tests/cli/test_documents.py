"""The generated reference pages are what the code says today."""

from pathlib import Path

import pytest

from atta_daq.cli.documents import pages


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_page_is_up_to_date(name: str) -> None:
    stored = (Path("docs/reference") / name).read_text()
    assert stored == pages()[name], "run `make docs` and commit the result"


@pytest.mark.parametrize("name", ["rig-file.md", "scan-file.md"])
def test_every_key_says_what_it_means(name: str) -> None:
    rows = [line for line in pages()[name].splitlines() if line.startswith("| `")]
    silent = [row for row in rows if row.split("|")[-2].strip() == ""]
    assert silent == []
