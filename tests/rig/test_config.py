"""What the tables of a rig file take, by the driver that each names."""

import copy
import pickle
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from rig_ports import PORTS

from atta_daq.cli.simulated_lab import rig_file
from atta_daq.rig import addresses
from atta_daq.rig.addresses import canonical
from atta_daq.rig.assembly import RigAssembly
from atta_daq.rig.config import RigConfig, rig_config, stored_rig_config
from atta_daq.rig.drivers import BUILT_IN, KINDS, names
from atta_daq.rig.errors import ConfigError
from drivers.dlcpro import DlcPro


@pytest.fixture
def data() -> dict[str, Any]:
    return copy.deepcopy(rig_file(PORTS, "co"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.168.1.20:5025", "TCPIP0::192.168.1.20::5025::SOCKET"),
        ("socket://localhost:7", "TCPIP::127.0.0.1::7::SOCKET"),
        ("USB0::0x1313::0x804A::M001::INSTR", "usb0::0X1313::0x804a::m001::instr"),
        ("USB0::0x1313::0x804A::M001::INSTR", "USB::4883::32842::m001::0::INSTR"),
        ("USB0::0x1313::0x804A::M001::INSTR", "USB1::0x1313::0x804a::M001"),
        ("TCPIP0::10.0.0.1::INSTR", "tcpip::10.0.0.1::INST0::instr"),
        ("pva://localhost:5076/A:", "pva://127.0.0.1:5076/A:"),
        ("127.1:7", "127.0.0.1:7"),
        ("/dev/null", "ASRL/dev/null::INSTR"),
        ("COM3", "ASRL3::INSTR"),
    ],
)
def test_two_spellings_of_one_wire(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.168.1.20:5025", "192.168.1.20:5026"),
        ("pva://10.0.0.1:5076/A:", "pva://10.0.0.1:5076/a:"),
        ("/dev/ttyACM0", "/dev/ttyACM1"),
        ("USB0::0x1313::0x804A::M001::INSTR", "USB0::0x1313::0x804A::M002::INSTR"),
        ("USB0::0x1313::0x804A::M001::INSTR", "USB0::0x1313::0x804A::M001::1::INSTR"),
        ("TCPIP0::10.0.0.1::INSTR", "TCPIP0::10.0.0.1::inst1::INSTR"),
    ],
)
def test_two_wires(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.fixture
def names_of_hosts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Host to address, as the lab's name server has them; 'slow' is not answered."""
    known = {"rp-trap": "192.168.1.24"}
    over = threading.Event()

    def look_up(host: str) -> str:
        if host == "slow":
            over.wait(60.0)
        try:
            return known[host.lower()]
        except KeyError:
            raise socket.gaierror(f"{host} is not known") from None

    addresses._numeric.cache_clear()
    monkeypatch.setattr(addresses, "RESOLVE_S", 5.0)
    monkeypatch.setattr(addresses.socket, "gethostbyname", look_up)
    yield known
    over.set()
    addresses._numeric.cache_clear()


def test_a_hosts_name_is_its_address_where_it_is_known(
    names_of_hosts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert canonical("rp-trap:5000") == canonical("TCPIP::192.168.1.24::5000::SOCKET")
    assert canonical("socket://RP-TRAP:5000") == "192.168.1.24:5000"
    assert canonical("Elsewhere:5000") == "elsewhere:5000"
    monkeypatch.setattr(addresses, "RESOLVE_S", 0.1)
    begun_s = time.monotonic()
    assert canonical("slow:5000") == "slow:5000"
    assert time.monotonic() - begun_s < 5.0, "nobody waits until it is answered"


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "a\0b"])
def test_a_name_that_cannot_be_one_is_compared_as_it_stands(host: str) -> None:
    assert canonical(f"{host}:5000") == f"{host}:5000"


@pytest.mark.parametrize(
    ("kind", "key", "address"),
    [
        ("amplifier", "address", "192.168.1.20:71998"),
        ("sideband", "address", "socket://192.168.1.20:65536"),
        ("loading", "address", "TCPIP0::192.168.1.20::99999::SOCKET"),
        ("camera", "address", "pva://192.168.1.20:71998/A:"),
        ("lock", "address", "socket://192.168.1.20:0"),
    ],
)
def test_a_port_that_does_not_exist_is_refused(
    data: dict[str, Any], kind: str, key: str, address: str
) -> None:
    data[kind][key] = address
    with pytest.raises(ConfigError, match=r"ports go from 1 to 65535"):
        rig_config(data, "rig.toml")


@pytest.mark.parametrize("kind", ["trap_switch", "loading"])
def test_a_serial_port_over_visa_is_refused_but_read_from_a_run(
    data: dict[str, Any], kind: str
) -> None:
    data[kind]["address"] = "ASRL/dev/ttyACM0::INSTR"
    with pytest.raises(ConfigError, match=rf"{kind}: address = ASRL.* use the box's LAN or USB"):
        rig_config(data, "rig.toml")
    assert stored_rig_config(data, "run/rig.toml").instrument(kind) is not None


def test_a_link_to_a_device_is_the_device(tmp_path) -> None:
    device, link = tmp_path / "ttyACM0", tmp_path / "by-id"
    device.touch()
    link.symlink_to(device)
    assert canonical(str(link)) == canonical(str(device))


def test_two_instruments_on_one_wire_are_refused(data: dict[str, Any]) -> None:
    data["loading"]["address"] = "TCPIP0::LOCALHOST::5001::SOCKET"
    with pytest.raises(ConfigError, match=r"trap_switch\.offset_generator and loading\.address"):
        rig_config(data, "rig.toml")


def test_an_unknown_driver_lists_those_there_are(data: dict[str, Any]) -> None:
    for kind in KINDS:
        wrong = {**data, kind: {**(data.get(kind) or {}), "driver": "acme-9000"}}
        with pytest.raises(ConfigError) as refused:
            rig_config(wrong, "rig.toml")
        for name in names(kind):
            assert f"'{name}'" in str(refused.value)


def test_a_stored_rig_file_is_read_without_its_drivers(data: dict[str, Any]) -> None:
    data["lock"] |= {"driver": "acme-9000", "frequency_comb": True}
    rig = stored_rig_config(data, "run/rig.toml")
    assert rig.lock.ratio.low == data["lock"]["ratio"]["low"]
    with pytest.raises(ConfigError, match="acme-9000"):
        RigAssembly(rig)


def test_a_rig_goes_to_another_process_as_it_is(data: dict[str, Any]) -> None:
    rig = rig_config(data, "rig.toml")
    there = pickle.loads(pickle.dumps(rig))
    assert isinstance(there, RigConfig)
    assert there == rig
    assert type(there.amplifier) is type(rig.amplifier)


def test_only_a_rig_file_to_be_used_looks_its_hosts_up(
    data: dict[str, Any], names_of_hosts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that answers each unknown name with one address must not close the archive."""
    data["trap_switch"]["address"] = "TCPIP0::rp-trap::5000::SOCKET"
    data["loading"]["address"] = "TCPIP0::rp-loading::5000::SOCKET"
    names_of_hosts["rp-loading"] = "192.168.1.25"
    rig = rig_config(data, "rig.toml")
    asked: list[str] = []

    def one_for_all(host: str) -> str:
        asked.append(host)
        return "10.0.0.1"

    addresses._numeric.cache_clear()
    monkeypatch.setattr(addresses.socket, "gethostbyname", one_for_all)
    assert stored_rig_config(data, "run/rig.toml").loading.address == data["loading"]["address"]
    assert pickle.loads(pickle.dumps(rig)) == rig
    assert asked == []
    with pytest.raises(ConfigError, match=r"trap_switch\.address and loading\.address"):
        rig_config(data, "rig.toml")


def test_every_driver_has_one_table_of_its_name() -> None:
    for spec in BUILT_IN:
        field = spec.section.model_fields["driver"]
        assert field.annotation.__args__ == (spec.driver,)
    assert len({(spec.kind, spec.driver) for spec in BUILT_IN}) == len(BUILT_IN)


def software_lock(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The rig file with the software lock in it."""
    table = {
        "driver": "redpitaya-stcl",
        "address": "TCPIP0::127.0.0.1::5009::SOCKET",
        "ratio": {"low": -0.2, "high": 1.1},
        "ratio_per_v": 0.74,
    }
    return {**data, "lock": table | changes}


def test_the_software_lock_runs_in_real_time_only(data: dict[str, Any]) -> None:
    rig = rig_config(software_lock(data), "rig.toml")
    assert rig.lock.counts_orders
    assert RigAssembly(rig).instruments.lock.ratio_resolution < 1e-4
    fast = software_lock(data) | {"clock": {"rate": 60.0, "origin_s": 0.0}}
    with pytest.raises(ConfigError, match=r"'redpitaya-stcl' regulates in real time.*arduino-stcl"):
        rig_config(fast, "rig.toml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ramp_amplitude_v": 0.8}, "leave the output's 1 V"),
        ({"ratio_per_v": 0.0}, "measure it with a small step"),
        ({"rest_v": 0.5, "laser_v": {"low": -0.4, "high": 0.4}}, "hold rest_v"),
        ({"address": "192.168.1.22"}, "address"),
        ({"ratio_per_v": None}, "ratio_per_v"),
    ],
)
def test_a_software_lock_that_cannot_be_is_refused(
    data: dict[str, Any], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        rig_config(software_lock(data, **changes), "rig.toml")


@pytest.fixture
def pair() -> dict[str, Any]:
    """A rig with a pair of ITC4000."""
    ports = {
        **PORTS,
        "amplifier": "USB0::0x1313::0x804A::M2::INSTR",
        "amplifier_seed": "USB0::0x1313::0x804A::M1::INSTR",
        "drivers": {"amplifier": "thorlabs-itc4000"},
    }
    return copy.deepcopy(rig_file(ports, "co"))


def test_a_pair_of_boxes_is_one_amplifier(pair: dict[str, Any]) -> None:
    rig = rig_config(pair, "rig.toml")
    built = RigAssembly(rig).instruments
    assert type(built.amplifier).__name__ == "Itc4000Pair"
    assert built.addresses["amplifier"] == (
        "USB0::0x1313::0x804A::M1::INSTR with USB0::0x1313::0x804A::M2::INSTR"
    )


def test_one_box_for_both_is_refused(pair: dict[str, Any]) -> None:
    pair["amplifier"]["amplifier_address"] = "USB0::0X1313::0x804a::m1::instr"
    with pytest.raises(ConfigError, match=r"amplifier\.seed_address and amplifier\.amplifier_addr"):
        rig_config(pair, "rig.toml")


ENVELOPE = ("seed_current_ma", "amplifier_current_ma", "unseeded_ceiling_ma", "seed_power_min_mw")
PHOTODIODES = ("seed_mw_per_photodiode_ma", "output_mw_per_photodiode_ma")


@pytest.mark.parametrize(
    ("which", "key"),
    [
        *(("data", key) for key in ENVELOPE),
        *(("pair", key) for key in ENVELOPE + PHOTODIODES),
    ],
)
def test_no_limit_of_the_amplifier_has_a_default(
    which: str, key: str, request: pytest.FixtureRequest
) -> None:
    rig = request.getfixturevalue(which)
    del rig["amplifier"][key]
    with pytest.raises(ConfigError, match=key):
        rig_config(rig, "rig.toml")


@pytest.mark.parametrize("delay_s", [0.0, -0.1, 0.6])
def test_no_guard_of_the_amplifier_may_be_slower_than_its_chip(
    data: dict[str, Any], delay_s: float
) -> None:
    data["amplifier"]["guard_delay_max_s"] = delay_s
    with pytest.raises(ConfigError, match="guard_delay_max_s"):
        rig_config(data, "rig.toml")


@pytest.mark.parametrize(("written", "kept_s"), [({}, 0.2), ({"guard_delay_max_s": 0.1}, 0.1)])
def test_the_drivers_guard_is_as_slow_as_the_rig_file_allows(
    data: dict[str, Any], written: dict[str, float], kept_s: float
) -> None:
    data["amplifier"] |= written
    instruments = RigAssembly(rig_config(data, "rig.toml")).instruments
    assert isinstance(instruments.amplifier, DlcPro)
    assert instruments.amplifier._guard_delay_max_s == kept_s


@pytest.mark.parametrize("age_s", [0.0, 2.1])
def test_a_reading_of_the_seed_may_not_be_older_than_the_watchdog_promises(
    data: dict[str, Any], age_s: float
) -> None:
    data["amplifier"]["seed_reading_max_age_s"] = age_s
    with pytest.raises(ConfigError, match="seed_reading_max_age_s"):
        rig_config(data, "rig.toml")


@pytest.mark.parametrize(("written", "kept_s"), [({}, 1.0), ({"seed_reading_max_age_s": 0.5}, 0.5)])
def test_the_driver_keeps_to_the_age_of_the_rig_file(
    data: dict[str, Any], written: dict[str, float], kept_s: float
) -> None:
    data["amplifier"] |= written
    instruments = RigAssembly(rig_config(data, "rig.toml")).instruments
    assert isinstance(instruments.amplifier, DlcPro)
    assert instruments.amplifier._limits.seed_reading_max_age_s == kept_s


@pytest.mark.parametrize("key", ["power_dbm", "frequency_mhz"])
def test_no_limit_of_the_sidebands_has_a_default(data: dict[str, Any], key: str) -> None:
    del data["sideband"][key]
    with pytest.raises(ConfigError, match=rf"sideband\.{key}"):
        rig_config(data, "rig.toml")


def test_the_end_of_the_cameras_converter_has_no_default(data: dict[str, Any]) -> None:
    """With one too high no frame would ever be saturated, and the register would go unguarded."""
    del data["camera"]["saturated_adu"]
    with pytest.raises(ConfigError, match=r"camera\.saturated_adu: missing; give .*16383 for 14"):
        rig_config(data, "rig.toml")
    stored = stored_rig_config(data, "run/rig.toml")
    assert stored.camera.saturated_adu == 65535, "of a run that was kept before it was asked for"
