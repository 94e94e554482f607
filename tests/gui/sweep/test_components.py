"""Component marks and the places of their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atta_daq.physics.hyperfine import closed_component, components
from gui.sweep.components import marks, nearest_mark, place_labels


def test_marks_stand_where_the_scan_meets_them() -> None:
    as_set, at_rest = marks(85, 260.0, False), marks(85, 260.0, True)
    assert len(as_set) == 9
    assert [mark.x for mark in as_set] == sorted(mark.x for mark in as_set)
    closed = next(mark for mark in as_set if mark.name == "11/2-13/2")
    assert closed.x == closed.as_set_mhz == closed_component(85).total_mhz + 260.0
    for moved, resting in zip(as_set, at_rest, strict=True):
        assert moved.x == pytest.approx(resting.x + 260.0)
        assert moved.as_set_mhz == resting.as_set_mhz


def test_only_visible_components_are_marked() -> None:
    assert all(mark.strength > 0.01 for mass in (81, 83, 85) for mark in marks(mass, 0.0, True))
    assert [mark.name for mark in marks(84, 0.0, True)] == ["819 nm"]
    assert components(84)[0].name == "819 nm"


def test_nearest_mark_is_within_reach() -> None:
    found = marks(85, 0.0, True)
    closed = next(mark for mark in found if mark.name == "11/2-13/2")
    assert nearest_mark(found, closed.x + 5.0, 10.0) == closed
    assert nearest_mark(found, closed.x + 100.0, 10.0) is None


@given(
    st.lists(
        st.tuples(st.floats(-100.0, 900.0), st.floats(10.0, 120.0), st.floats(0.0, 1.0)),
        max_size=14,
    ),
    st.floats(60.0, 800.0),
    st.integers(1, 3),
)
def test_names_never_overlap(
    labels: list[tuple[float, float, float]], width: float, rows: int
) -> None:
    centres, widths, priority = ([label[k] for label in labels] for k in range(3))
    places = place_labels(centres, widths, priority, width, rows)
    assert len(places) == len(labels)
    placed = [(p, w) for p, w in zip(places, widths, strict=True) if p is not None]
    for k, (a, a_width) in enumerate(placed):
        assert a.left >= 0.0
        assert a.left + a_width <= width + 1e-9
        assert 0 <= a.row < rows
        for b, b_width in placed[k + 1 :]:
            apart = a.left + a_width <= b.left or b.left + b_width <= a.left
            assert a.row != b.row or apart
    inside = [i for i, c in enumerate(centres) if 0.0 <= c <= width and widths[i] <= width]
    if inside:
        first = max(inside, key=lambda i: priority[i])
        best = [i for i in inside if priority[i] == priority[first]]
        assert any(places[i] is not None for i in best)
