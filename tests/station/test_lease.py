"""A lease on an injected clock."""

from atta_daq.station.lease import Lease


def test_it_lapses_unless_it_is_renewed() -> None:
    now = [100.0]
    lease = Lease(60.0, lambda: now[0])
    now[0] = 159.9
    assert not lease.lapsed
    lease.renew()
    now[0] = 219.8
    assert not lease.lapsed
    now[0] = 219.9
    assert lease.lapsed
