import socket

from atta_daq.search_port import search_port

SHARED = 800
DRAWS = 500
AN_ADDRESS = "127.0.0.29"
"""Nobody else's, so that no other test meets the ports that are held here."""


def sharing(port: int) -> socket.socket:
    """Bound as pvxs binds: others may come."""
    held = socket.socket(type=socket.SOCK_DGRAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((AN_ADDRESS, port))
    return held


def test_no_port_that_is_shared_already_is_given() -> None:
    others = [sharing(0) for _ in range(SHARED)]
    try:
        taken = {held.getsockname()[1] for held in others}
        given = [search_port(AN_ADDRESS) for _ in range(DRAWS)]
        assert taken.isdisjoint(given)
    finally:
        for held in others:
            held.close()


def test_a_port_that_is_wanted_is_given() -> None:
    with sharing(0) as held:
        port = held.getsockname()[1]
        assert search_port(AN_ADDRESS, port) == port
