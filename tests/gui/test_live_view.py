"""Who keeps a live view: the window that commands, and no other."""

import pytest
from fakes_gui import FakeLink

from gui.context import Context
from gui.link.station import LinkState
from gui.live_view import LiveViewKeeper


@pytest.fixture
def keeper(context: Context, link: FakeLink) -> LiveViewKeeper:
    link.feed(station__activity="camera view 85Kr", station__control=link.name)
    return LiveViewKeeper(context, link)


def test_the_commanding_window_keeps_it(keeper: LiveViewKeeper, link: FakeLink) -> None:
    keeper.keep()
    assert [sent.name for sent in link.sent] == ["keep_view"]


@pytest.mark.parametrize(
    "readings",
    [
        {"station__control": "somebody else"},
        {"station__control": ""},
        {"station__activity": "alignment"},
        {"station__activity": ""},
    ],
)
def test_nobody_else_does(keeper: LiveViewKeeper, link: FakeLink, readings: dict[str, str]) -> None:
    link.feed(**readings)
    keeper.keep()
    assert link.sent == []


def test_not_without_a_station(keeper: LiveViewKeeper, link: FakeLink) -> None:
    link.go(LinkState.LOST, "gone")
    keeper.keep()
    assert link.sent == []
