"""The outbox and the couriers: nothing is lost, the rate is kept, a dead server holds up nobody."""

import sqlite3
import time
from itertools import pairwise
from pathlib import Path

import pytest
from fed_page import until
from free_ports import free_port
from mail_servers import Hook, Mailbox, smtp_server, webhook_server

from atta_daq.client.log import Alarm
from atta_daq.rig.messages import MessagesConfig
from atta_daq.station.messages.channels import NotSent
from atta_daq.station.messages.courier import Courier
from atta_daq.station.messages.email import EmailChannel
from atta_daq.station.messages.event import Event, Letter
from atta_daq.station.messages.outbox import Outbox
from atta_daq.station.messages.post_office import PostOffice


def event(number: int, kind: str = "alarm", severity: str = "major") -> Event:
    return Event(1.8e9 + number, kind, severity, "lock", f"number {number}")  # type: ignore[arg-type]


class Told:
    """Stands for the station's log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, text: str, level: str = "info", source: str = "") -> None:
        self.lines.append(text)


class Fake:
    """A channel that a test switches off."""

    name = "email"
    words = "e-mail by nowhere"

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.down = ""

    def send(self, letter: Letter) -> str:
        if self.down:
            raise NotSent(self.down)
        self.letters.append(letter)
        return ""


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "messages" / "rig.sqlite")


def numbers(letter: Letter) -> list[int]:
    return [round(e.utc_s - 1.8e9) for e in letter.events]


def test_news_are_kept_for_each_channel_and_survive(outbox: Outbox) -> None:
    assert outbox.waiting("email", 10) == []
    assert not outbox.path.exists(), "a rig that tells nothing has no file"
    for number in range(5):
        outbox.add(event(number), ["email", "webhook"])
    outbox.taken(outbox.waiting("email", 3))
    again = Outbox(outbox.path)
    assert [w.event for w in again.waiting("email", 10)] == [event(3), event(4)]
    assert again.count("webhook") == 5


def test_a_disk_that_takes_nothing_does_not_keep_the_news_back(outbox: Outbox) -> None:
    outbox.add(event(0), ["email"])
    outbox.path.chmod(0o600)
    good = outbox.path
    outbox.path = Path("/dev/null/no-folder/rig.sqlite")
    outbox.add(event(1), ["email"])
    assert "no-folder" in outbox.problem
    assert [w.event for w in outbox.waiting("email", 10)] == [event(1)]
    outbox.path = good
    outbox.add(event(2), ["email"])
    assert outbox.problem == ""
    waiting = Outbox(good).waiting("email", 10)
    assert [w.event for w in waiting] == [event(0), event(1), event(2)]


def test_a_power_cut_does_not_bring_back_the_journal_that_undoes_the_news(outbox: Outbox) -> None:
    with outbox._open() as base:
        (mode,) = base.execute("PRAGMA journal_mode").fetchone()
        (synchronous,) = base.execute("PRAGMA synchronous").fetchone()
    extra = 3
    assert (mode, synchronous) == ("delete", extra)


def test_what_was_delivered_is_not_sent_again_though_the_disk_is_full(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.add(event(0), ["email"])
    waiting = outbox.waiting("email", 10)
    with monkeypatch.context() as patch:

        def full(*_: object, **__: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        patch.setattr(sqlite3, "connect", full)
        outbox.taken(waiting)
        assert "disk is full" in outbox.problem
    assert outbox.waiting("email", 10) == []
    outbox.add(event(1), ["email"])
    outbox.taken(outbox.waiting("email", 10))
    assert Outbox(outbox.path).waiting("email", 10) == []


def test_the_first_news_go_soon_and_the_rest_as_a_digest(outbox, clock, rules) -> None:
    channel = Fake()
    courier = Courier(channel, outbox, rules, "rig", Told(), now=clock)
    courier.step()
    outbox.add(event(0), ["email"])
    courier.step()
    clock.now_s += 3.0
    outbox.add(event(1), ["email"])
    courier.step()
    assert channel.letters == [], "what belongs together is gathered"
    clock.now_s += 2.0
    courier.step()
    assert [numbers(letter) for letter in channel.letters] == [[0, 1]]
    for number in range(2, 9):
        clock.now_s += 40.0
        outbox.add(event(number), ["email"])
        courier.step()
    assert len(channel.letters) == 1
    clock.now_s += 20.0
    courier.step()
    assert [numbers(letter) for letter in channel.letters] == [[0, 1], [2, 3, 4, 5, 6, 7, 8]]
    assert channel.letters[1].subject == "[rig] ALARM: number 2 (and 6 more)"


def test_a_dead_server_loses_nothing_and_is_tried_less_and_less(outbox, clock, rules) -> None:
    channel, said = Fake(), Told()
    courier = Courier(channel, outbox, rules, "rig", said, now=clock)
    channel.down = "Connection refused"
    outbox.add(event(0), ["email"])
    courier.step()
    tries: list[float] = []
    send = channel.send

    def counting(letter: Letter) -> str:
        tries.append(clock.now_s)
        return send(letter)

    channel.send = counting  # type: ignore[method-assign]
    for number in range(1, 3601):
        clock.now_s += 1.0
        if number == 100:
            outbox.add(event(1), ["email"])
        courier.step()
    gaps = [b - a for a, b in pairwise(tries)]
    assert gaps == [10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0, 600.0, 600.0]
    (cause,) = courier.causes()
    assert cause.id == "messages:email"
    assert cause.text == (
        "e-mail by nowhere: Connection refused; what should be told waits, and is tried again"
    )
    assert said.lines == [], "the alarm says it, once"
    channel.down = ""
    clock.now_s += 600.0
    courier.step()
    assert [numbers(letter) for letter in channel.letters] == [[0, 1]]
    assert courier.causes() == []
    assert said.lines == ["e-mail by nowhere: sent '[rig] ALARM: number 0 (and 1 more)'"]


def test_the_same_again_and_again_is_one_line(outbox, clock, rules) -> None:
    channel = Fake()
    courier = Courier(channel, outbox, rules, "rig", Told(), now=clock)
    for number in range(60):
        text = "open" if number % 2 == 0 else "over"
        kind = "alarm" if number % 2 == 0 else "over"
        outbox.add(Event(1.8e9 + number, kind, "major", "lock", text), ["email"])  # type: ignore[arg-type]
    courier.step()
    clock.now_s += 5.0
    courier.step()
    (letter,) = channel.letters
    assert len(letter.events) == 60
    lines = [line for line in letter.text.splitlines() if "lock" in line]
    assert lines == [
        "2027-01-15 08:00:00  ALARM (major), lock: open (30 times, last 2027-01-15 08:00:58)",
        "2027-01-15 08:00:01  over, lock: over (30 times, last 2027-01-15 08:00:59)",
    ]
    assert letter.subject == "[rig] ALARM: open (and 1 more)"


def test_a_mail_server_that_dies_and_comes_back_gets_everything(
    mail, hooked, tmp_path: Path
) -> None:
    """Real servers, real threads: the webhook does not wait for the mail server."""
    port, box, hook, said = free_port(), Mailbox(), Hook(), Told()
    with webhook_server(hook) as hook_port:
        config = MessagesConfig(
            gather_s=0.0, interval_s=0.0, email=mail(port), webhook=hooked(hook_port)
        )
        office = PostOffice(config, "rig", tmp_path, said)
        office.start({"run:state": "running"}.get)
        lock = Alarm("lock", "lock", "the lock is open", "major", 1.8e9, True, False)
        office.alarm("raised", lock)
        until(lambda: hook.bodies)
        until(lambda: [c.id for c in office.causes()] == ["messages:email"])
        assert "refused" in office.causes()[0].text.lower()
        office.close()
    assert box.messages == []
    # The station was killed; the next one finds what waited, and the server is back.
    with smtp_server(box, port), webhook_server(hook, hook_port):
        office = PostOffice(config, "rig", tmp_path, said)
        office.start({"run:state": "running"}.get)
        until(lambda: box.messages)
        assert office.causes() == []
        office.close()
    assert [m["Subject"] for m in box.messages] == ["[rig] ALARM: the lock is open"]
    assert len(hook.bodies) == 1, "the webhook had it already"


def test_a_slow_server_holds_up_nobody(mail, tmp_path: Path) -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = MessagesConfig(gather_s=0.0, email=mail(listener.getsockname()[1]))
        office = PostOffice(config, "rig", tmp_path, Told())
        office.start({"run:state": "running"}.get)
        lock = Alarm("lock", "lock", "the lock is open", "major", 1.8e9, True, False)
        begun = time.monotonic()
        for _ in range(10):
            office.alarm("raised", lock)
            office.alarm("over", lock)
            office.causes()
        assert time.monotonic() - begun < 10.0
        outbox = Outbox(tmp_path / "messages" / "rig.sqlite")
        until(lambda: outbox.count("email") == 20)
        begun = time.monotonic()
        office.close()
        # The courier waits for the server 20 s; nobody waits for the courier.
        assert time.monotonic() - begun < 15.0
    assert outbox.count("email") == 20


def test_a_rig_without_channels_does_nothing(tmp_path: Path) -> None:
    office = PostOffice(None, "rig", tmp_path, Told())
    office.start({}.get)
    office.alarm("raised", Alarm("lock", "lock", "open", "major", 1.8e9, True, False))
    office.close()
    assert office.causes() == []
    assert list(tmp_path.iterdir()) == []


def test_that_a_channel_is_down_is_told_by_the_other_one(tmp_path: Path, mail) -> None:
    email, other = EmailChannel(mail(free_port())), Fake()
    other.name, other.words = "webhook", "webhook at nowhere"
    config = MessagesConfig(gather_s=0.0, interval_s=0.0, from_severity="minor")
    office = PostOffice(config, "rig", tmp_path, Told(), channels=(email, other))
    office.start({"run:state": "running"}.get)
    office.alarm("raised", Alarm("lock", "lock", "open", "major", 1.8e9, True, False))
    (cause,) = until(office.causes)
    office.alarm("raised", Alarm(cause.id, cause.source, cause.text, "minor", 1.8e9, True, False))
    until(lambda: len(other.letters) == 2)
    office.close()
    outbox = Outbox(tmp_path / "messages" / "rig.sqlite")
    assert [w.event.text for w in outbox.waiting("email", 10)] == ["open"]
