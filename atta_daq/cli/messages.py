"""`atta-daq messages`: try the ways by which a rig tells people who are away."""

import time
from pathlib import Path
from typing import Annotated

import typer

from atta_daq.rig.config import load_rig
from atta_daq.rig.errors import ConfigError

NOT_SENT = 3


def messages(
    config: Annotated[Path, typer.Option(help="Rig file with a table [messages].")],
) -> None:
    """Send a test message by every channel of the rig file; nothing of the rig is touched."""
    from atta_daq.station.messages.channels import NotSent
    from atta_daq.station.messages.event import Event, compose
    from atta_daq.station.messages.post_office import channels_of

    rig = load_rig(config)
    channels = channels_of(rig.messages) if rig.messages is not None else ()
    if rig.messages is None or not channels:
        raise ConfigError(f"{config}: it has no [messages.email] and no [messages.webhook]")
    event = Event(time.time(), "test", "info", "station", "a test; nothing has happened")
    letter = compose(rig.name, [event], rig.messages.page)
    failed = False
    for channel in channels:
        try:
            partly = channel.send(letter)
            print(f"{channel.words}: taken{f', but {partly}' if partly else ''}")
        except NotSent as error:
            failed = True
            print(f"{channel.words}: not sent: {error}")
    raise typer.Exit(NOT_SENT if failed else 0)
