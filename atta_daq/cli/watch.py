"""`atta-daq watch`: a read-only web page of a station."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from atta_daq.client.discovery import find_remote, finder
from atta_daq.rig.errors import ConfigError
from atta_daq.watch.access import (
    DEFAULT_LISTEN,
    Access,
    AccessError,
    Address,
    parse_listen,
    read_token,
)


def watch(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the page listens.")
    ] = DEFAULT_LISTEN,
    connect: Annotated[
        str | None,
        typer.Option(metavar="HOST[:PORT]", help="A station on another computer (port 5075)."),
    ] = None,
    rig: Annotated[
        str | None, typer.Option(help="Name of the rig, where several stations run.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="Only who knows its token sees the page; made if it is not there."),
    ] = None,
) -> None:
    """Show the station on a web page: sweep, rates, queue, alarms, last picture. It cannot command.

    Only this computer reaches it, unless --listen says otherwise: then a token is needed.
    """
    try:
        address = parse_listen(listen)
        if not address.loopback and token_file is None:
            raise AccessError(
                f"--listen: {listen} can be reached by others: give --token-file FILE as well "
                "(it is made if it is not there), or listen on 127.0.0.1 and come by ssh"
            )
        token = read_token(token_file) if token_file is not None else ""
        _serve(address, token, token_file, connect, rig or "")
    except AccessError as error:
        raise ConfigError(str(error)) from error


def _serve(
    address: Address, token: str, token_file: Path | None, connect: str | None, rig: str
) -> None:
    # A mistake in an argument is told before the web server is loaded.
    from atta_daq.watch.board import Board
    from atta_daq.watch.sections.table import readings
    from atta_daq.watch.serve import Server, open_socket
    from atta_daq.watch.station_link import StationLink
    from atta_daq.watch.stream import Viewers
    from atta_daq.watch.web import MOST_VIEWERS, web_app

    if connect is not None:
        find_once(connect, rig)

    listener = open_socket(address)
    port = listener.getsockname()[1]
    link = StationLink(finder(connect or "", rig), readings())
    viewers = Viewers(MOST_VIEWERS)
    server = Server(web_app(Board(link), Access(token), viewers=viewers), listener, viewers)
    signal.signal(signal.SIGTERM, lambda *_: server.end())
    link.start()
    try:
        server.run(lambda: print(_hello(address, port, token_file), file=sys.stderr, flush=True))
    finally:
        link.close()
        listener.close()


def find_once(connect: str, rig: str) -> None:
    """Refuse an address that is none; a station that does not answer yet is looked for later."""
    try:
        find_remote(connect, rig)
    except ValueError as error:
        raise ConfigError(f"--connect: {error}") from error
    except LookupError:
        return


def _hello(address: Address, port: int, token_file: Path | None) -> str:
    url = address.url(port)
    if token_file is None:
        return f"the page: {url}"
    return f"the page: {url}?token=... with the token in {token_file}, once in each browser"
