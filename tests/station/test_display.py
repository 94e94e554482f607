"""What the windows are told five times a second."""

from types import SimpleNamespace
from typing import Any

import pytest

from atta_daq.station.display import Display


@pytest.mark.parametrize(
    ("isotope", "switching", "told"),
    [(None, True, (-1, True)), (None, False, (-1, False)), (0, False, (0, False))],
)
def test_a_trap_on_its_way_is_told_from_one_that_nobody_has_set(
    isotope: int | None, switching: bool, told: tuple[int, bool]
) -> None:
    posted: dict[str, Any] = {}
    taker: Any = SimpleNamespace(
        provisional=SimpleNamespace(frames=0, counts=lambda: 0, frame=None, take=lambda: (0, [])),
        trap=SimpleNamespace(isotope=isotope, switching=switching),
        loading_trace=None, counting=None,
    )  # fmt: skip
    clock: Any = SimpleNamespace(now_s=lambda: 1.0)
    server: Any = SimpleNamespace(post=posted.__setitem__)
    display = Display(taker, clock, server)
    display._numbers()
    assert (posted["trap:isotope"], posted["trap:switching"]) == told
