"""A UDP port on which a PVA server alone answers the searches.

pvxs lets servers share a UDP port, as all of a lab's do on 5076, and Linux hands such a port out a
second time when it is asked for any free one. A client that searches there finds the records of
both servers and takes the first that answers: another rig's, if they bear the same names.
"""

import socket


def search_port(interface: str, wanted: int = 0) -> int:
    """`wanted`, or for 0 a UDP port of `interface` on which nobody listens.

    Raises OSError when `interface` is no address of this computer, whatever is wanted.
    """
    # Without SO_REUSEADDR, so that the system gives no port that somebody shares already.
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind((interface, 0))
        return wanted or int(probe.getsockname()[1])
