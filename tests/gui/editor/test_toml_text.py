"""Tables with comments: values and comments survive, and move with their part."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gui.editor.toml_text import read, write

SCANS = sorted((Path(__file__).parents[3] / "scans").glob("*.toml"))

COMMENTED = """\
# What it is for.
name = "a # b"  # beside

# of the first part
[[part]]
isotope = 85
dwell_s = 240.0 # long
# of the axis
[[part.axis]]
quantity = "power_mw"
values = [
    25.0,
    50.0,
]

# of the second part
[[part]]
isotope = 83

# of the blanks
[blanks]
at_ends = false
# the end
"""


def test_there_are_scans_to_test() -> None:
    assert len(SCANS) >= 5


@pytest.mark.parametrize("path", SCANS, ids=lambda path: path.stem)
def test_a_scan_file_keeps_its_values_and_its_comments(path: Path) -> None:
    text = path.read_text()
    again = write(read(text))
    assert tomllib.loads(again) == tomllib.loads(text)
    assert write(read(again)) == again
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert comments
    assert [line for line in again.splitlines() if line.startswith("#")] == comments


def test_comments_stay_where_they_belong() -> None:
    lines = write(read(COMMENTED)).splitlines()
    assert lines[:2] == ["# What it is for.", 'name = "a # b"  # beside']
    for comment, below in (
        ("# of the axis", "[[part.axis]]"),
        ("# of the second part", "[[part]]"),
        ("# of the blanks", "[blanks]"),
    ):
        assert lines[lines.index(comment) + 1] == below
    assert "dwell_s = 240.0  # long" in lines
    assert "values = [25.0, 50.0]" in lines
    assert lines[-1] == "# the end"


def test_comments_move_with_their_part() -> None:
    root = read(COMMENTED)
    root["part"].reverse()
    lines = write(root).splitlines()
    assert lines.index("# of the second part") < lines.index("# of the first part")
    assert lines[lines.index("# of the second part") + 2] == "isotope = 83"


def test_what_is_no_scan_survives_too() -> None:
    text = 'odd."key with blank" = [1, {a = 2}]\npart = 5\n[x.y]\nz = 1979-05-27\n[[e]]\n[[e]]\n'
    assert tomllib.loads(write(read(text))) == tomllib.loads(text)


scalars = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"])),
)
tables = st.recursive(
    st.dictionaries(st.text("ab_ \"é.#'", max_size=4), scalars, max_size=4),
    lambda inner: st.dictionaries(
        st.text("ab_ é.#", max_size=4),
        st.one_of(scalars, inner, st.lists(inner, max_size=3), st.lists(scalars, max_size=3)),
        max_size=4,
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(tables)
def test_any_tables_survive(data: dict[str, object]) -> None:
    import tomli_w

    text = tomli_w.dumps(data)
    assert tomllib.loads(write(read(text))) == tomllib.loads(text)
