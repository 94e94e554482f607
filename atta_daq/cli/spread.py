"""Work spread over processes of this computer, or over the computers of a dask cluster.

In one process, in ten or on ten computers: the same pieces with the same arguments, so the same
numbers. A piece gets its data with its arguments; workers need no folder in common.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from atta_daq import __version__
from atta_daq.rig.errors import ConfigError

Result = TypeVar("Result")

LOOPBACK = "127.0.0.1"
CONNECT_S = 10.0
NEEDED = (
    "needs dask, which is not installed: "
    ".venv/bin/python -m pip install -e '.[cluster]' in the checkout"
)

Map = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], list[Any]]
"""`spread(function, arguments)`: the function's results, one for each tuple of arguments, in
their order."""


@contextmanager
def spread_over(workers: int, scheduler: str) -> Iterator[Map]:
    """How work is done: in this process (`workers` 0 and no `scheduler`), in `workers` processes
    on loopback, or by the workers of the dask scheduler at an address such as tcp://big-pc:8786.
    Everywhere each piece on one thread.

    Raises ConfigError without dask, without a scheduler there, or with workers of another version.
    """
    if not workers and not scheduler:
        yield lambda function, arguments: [_call(function, one) for one in arguments]
        return
    if workers and scheduler:
        raise ConfigError("--workers starts processes here, --scheduler uses others: give one")
    with _client(workers, scheduler) as client:
        yield lambda function, arguments: client.gather(
            [client.submit(_call, function, one, pure=False) for one in arguments]
        )


@contextmanager
def _client(workers: int, scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ConfigError(f"--{'scheduler' if scheduler else 'workers'} {NEEDED}") from error
    # Workers that come and go are dask's business; what it could not do, it raises.
    logging.getLogger("distributed").setLevel(logging.ERROR)
    if scheduler:
        try:
            client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{scheduler}: no dask scheduler answers there ({error})") from error
        with client:
            _require_same_version(client, scheduler)
            yield client
        return
    # Every socket on loopback, at a free port.
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host=LOOPBACK,
            dashboard_address=f"{LOOPBACK}:0", worker_dashboard_address=f"{LOOPBACK}:0",
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):  # fmt: skip
        yield client


def one_thread() -> None:
    """Linear algebra on one thread in this process from now on.

    A BLAS cuts a large matrix into pieces by the number of its threads, and adds them up in another
    order: the last digits of a fit would depend on the processors of the computer.
    """
    threadpool_limits(limits=1, user_api="blas")


def _call(function: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    one_thread()
    return function(*arguments)


def _version() -> str:
    return __version__


def _require_same_version(client: Any, scheduler: str) -> None:
    versions = client.run(_version)
    if not versions:
        raise ConfigError(f"{scheduler}: the scheduler has no worker: start `dask worker` there")
    other = {where: found for where, found in versions.items() if found != __version__}
    if other:
        said = ", ".join(f"{where} has {found}" for where, found in other.items())
        raise ConfigError(f"workers must run atta-daq {__version__} as this computer does: {said}")
