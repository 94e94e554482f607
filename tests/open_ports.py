"""Which ports a process and its children have open, and which of them nobody has named."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

import psutil


@dataclass(frozen=True)
class OpenPort:
    """A listening TCP socket or a bound UDP socket."""

    pid: int
    command: str
    protocol: str
    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Only this computer reaches it."""
        return ip_address(self.host).is_loopback


def family(pid: int) -> list[psutil.Process]:
    """A process with all that it has started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def open_ports(pid: int) -> Iterator[OpenPort]:
    """Every port that the process or one of its children takes something on."""
    for process in family(pid):
        with process.oneshot():
            command = " ".join(process.cmdline()[:4])
        for socket in process.net_connections("inet"):
            tcp = socket.type.name == "SOCK_STREAM"
            if socket.laddr and (not tcp or socket.status == psutil.CONN_LISTEN):
                protocol = "tcp" if tcp else "udp"
                yield OpenPort(process.pid, command, protocol, socket.laddr.ip, socket.laddr.port)


def unexpected(
    pid: int, *, host: str, tcp: Collection[int] = (), pva: Collection[int] | None = None
) -> list[OpenPort]:
    """Open ports that are neither named nor PVA's own.

    Every TCP socket must listen on `host`, at a port of `tcp`. UDP is only for the processes
    `pva` that speak EPICS PVA, whose search sockets bind every interface (None: for each).
    """
    return [
        port
        for port in open_ports(pid)
        if (port.protocol == "tcp" and (port.host != host or port.port not in tcp))
        or (port.protocol == "udp" and pva is not None and port.pid not in pva)
    ]


def connected(pid: int, port: int) -> bool:
    """The process or one of its children has a connection to a TCP port."""
    return any(
        socket.raddr and socket.raddr.port == port and socket.status == psutil.CONN_ESTABLISHED
        for process in family(pid)
        for socket in process.net_connections("tcp")
    )
