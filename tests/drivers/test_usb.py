"""The SCPI line over USB: what the environment brings for it, USBTMC against bytes, and what the
operator reads when a box does not open."""

import contextlib
import ctypes
import importlib
import sys
import time
from collections.abc import Iterator

import libusb_package
import pytest
import usb.backend.libusb1
import usb.core
from patience import PATIENT_S, impatient
from pyvisa.constants import InterfaceType
from pyvisa_py.sessions import Session, UnavailableSession
from usb_boxes import UsbBox, UsbBus

from drivers import usb_bus
from drivers.errors import ConnectionLost, DriverError, ProtocolError, Timeout
from drivers.interfaces import Identity
from drivers.visa_line import VisaLine

ABSENT = "USB0::0x1313::0x804A::M00310001::INSTR"
LONGEST_REFUSAL_S = 15.0
"""With a search of the system's libraries on a busy computer."""


@pytest.fixture
def bus(monkeypatch, tmp_path) -> UsbBus:
    """A bus instead of the computer's, if it has any.

    pyvisa-py decides once, when it is imported, whether there is USB; here it does so again.
    """
    bus = UsbBus()
    monkeypatch.setattr(usb.backend.libusb1, "get_backend", lambda *_, **__: bus)
    monkeypatch.setattr(libusb_package, "get_libusb1_backend", lambda: bus)
    monkeypatch.setattr(Session, "_session_classes", dict(Session._session_classes))
    monkeypatch.delitem(sys.modules, "pyvisa_py.usb", raising=False)
    monkeypatch.setattr(usb_bus, "_LINUX_BUS", tmp_path)
    importlib.import_module("pyvisa_py.usb")
    return bus


@pytest.fixture
def seed(bus) -> UsbBox:
    seed = UsbBox(serial="M00310001")
    seed.answers = {
        b"*IDN?": b"Thorlabs,ITC4001,M00310001,1.8.0/1.5.0/2.3.0\n",
        b"SYST:ERR?": b'+0,"No error"\n',
    }
    bus.boxes = [UsbBox(serial="M00310002"), UsbBox(model=0x8078, serial="P0012345"), seed]
    return seed


@pytest.fixture
def line(seed) -> Iterator[VisaLine]:
    line = VisaLine("seed", seed.resource, timeout_s=PATIENT_S)
    line.open()
    yield line
    line.close()


def refusal(resource: str) -> ConnectionLost:
    line = VisaLine("seed", resource)
    began = time.monotonic()
    with pytest.raises(ConnectionLost) as refused:
        line.open()
    assert time.monotonic() - began < LONGEST_REFUSAL_S
    assert str(refused.value).startswith(f"seed: cannot open {resource} (")
    return refused.value


# --- the environment ------------------------------------------------------------------------


def test_a_libusb_comes_with_the_environment():
    """It loads and tells its version; no bus is needed for that."""
    path = libusb_package.get_library_path()
    assert path is not None, "no wheel of libusb-package for this platform"
    library = ctypes.CDLL(str(path))
    library.libusb_get_version.restype = ctypes.POINTER(ctypes.c_uint16)
    assert library.libusb_get_version()[0] == 1


def test_pyvisa_py_has_a_session_for_usb(bus):
    session = Session.get_session_class(InterfaceType.usb, "INSTR")
    assert not issubclass(session, UnavailableSession)


def test_a_box_that_is_not_there_is_named_on_this_very_computer():
    """With a bus or, as in most containers, without; nothing is played here."""
    refused = refusal(ABSENT)
    if sys.platform == "linux" and not usb_bus._LINUX_BUS.exists():
        assert "this computer has no USB" in refused.reason
        assert "connect the box to a computer that has" in refused.remedy
    else:
        assert "no such box on USB" in refused.reason
        assert "check power, cable and address" in refused.remedy


# --- USBTMC ---------------------------------------------------------------------------------


def test_lines_and_answers(seed, line):
    assert line.identify() == Identity("Thorlabs", "ITC4001", "M00310001", "1.8.0/1.5.0/2.3.0")
    line.write("OUTP 0")
    line.check_errors()
    assert seed.received == [b"*IDN?\n", b"OUTP 0\n", b"SYST:ERR?\n"]


def test_a_command_without_answer_is_a_timeout_and_the_line_heals(seed, line):
    with pytest.raises(Timeout, match="no answer to WHAT"), impatient(line):
        line.query("WHAT?")
    assert line.identify().model == "ITC4001"


def test_a_pulled_plug_is_named_and_heals(seed, line):
    seed.plugged = False
    with pytest.raises(ConnectionLost, match=r"seed: lost at OUTP 0 \(.*No such device"):
        line.write("OUTP 0")
    with pytest.raises(ConnectionLost, match="no such box on USB"):
        line.query("*IDN?")
    seed.plugged = True
    assert line.identify().model == "ITC4001"


@pytest.mark.parametrize("packet", [b"\x02", b"\x02\x01\xfe\x00\x05", b"\x02\x01\xfe\x00" * 3])
def test_a_garbled_packet_is_a_driver_error_and_the_line_heals(seed, line, packet):
    seed.packet = packet
    with pytest.raises(DriverError), impatient(line):
        line.query("*IDN?")
    assert line.identify().model == "ITC4001"


def test_two_lines_in_one_message_are_no_answer_to_the_next(seed, line):
    seed.answers |= {b"A?": b"1\n2\n", b"B?": b"3\n"}
    line.query("A?")
    assert line.query("B?") == "3"


def test_a_late_answer_reaches_no_later_query(seed, line):
    """The tag of a USBTMC answer is that of the request to read, whatever was asked before it."""
    line.identify()
    seed.answers |= {b"A?": b"1\n", b"B?": b"2\n"}
    seed.late.add(b"A?")
    with pytest.raises(Timeout, match="no answer to A"), impatient(line):
        line.query("A?")
    assert line.query("B?") == "2"
    assert line.query("A?") == "1"
    assert seed.received == [b"*IDN?\n", b"A?\n", b"*IDN?\n", b"B?\n", b"A?\n"]


def test_a_late_answer_to_who_it_is_reaches_no_later_query(seed, line):
    line.identify()
    seed.answers |= {b"A?": b"1\n", b"B?": b"2\n"}
    seed.late |= {b"A?", b"*IDN?"}
    for _ in range(2):
        with pytest.raises(Timeout), impatient(line):
            line.query("A?")
    for _ in range(3):
        with contextlib.suppress(ProtocolError):
            assert line.query_number("B?") == 2.0
    assert line.query_number("A?") == 1.0


def test_a_box_that_hangs_is_named_and_heals(seed, line):
    line.identify()
    seed.answers[b"B?"] = b"2\n"
    seed.hung = True
    for _ in range(2):
        with pytest.raises(Timeout, match=r"seed: no answer to (B|\*IDN)\?"), impatient(line):
            line.query("B?")
    seed.hung = False
    assert line.query("B?") == "2"


def test_off_reaches_a_box_that_obeys_and_is_mute(seed, line):
    line.identify()
    seed.answers.clear()
    for _ in range(2):
        with pytest.raises(Timeout), impatient(line):
            line.query("A?")
    line.write("OUTP1:STAT OFF")
    assert seed.received[-1] == b"OUTP1:STAT OFF\n"


def test_another_box_at_the_address_is_told_and_taken_when_it_is_connected(seed, line):
    line.identify()
    seed.hung = True
    with pytest.raises(Timeout), impatient(line):
        line.query("B?")
    seed.hung = False
    seed.answers[b"*IDN?"] = b"Thorlabs,ITC4005,M00310005,1.8.0/1.5.0/2.3.0\n"
    with pytest.raises(ProtocolError, match=r"had answered as .*ITC4001.* now it says .*ITC4005"):
        line.query("B?")
    line.open()
    assert line.identify().model == "ITC4005"


# --- what hinders a box ---------------------------------------------------------------------


def test_a_wrong_serial_number_is_told_from_the_boxes_that_are_there(seed):
    refused = refusal("USB0::0x1313::0x804A::M00310009::INSTR")
    assert refused.reason.endswith("(no such box on USB)")
    assert "0x804A M00310002, 0x8078 P0012345, 0x804A M00310001" in refused.remedy


def test_nothing_of_the_maker(seed):
    refused = refusal("USB0::0x0957::0x0607::MY1::INSTR")
    assert refused.remedy.endswith("of this maker there is nothing")


@pytest.mark.parametrize(("platform", "remedy"), [
    ("linux", "udev rule"), ("win32", "WinUSB"), ("darwin", "end whatever else holds it"),
])  # fmt: skip
def test_a_box_that_this_user_must_not_read(monkeypatch, seed, platform, remedy):
    seed.readable = False
    monkeypatch.setattr(usb_bus.sys, "platform", platform)
    refused = refusal(seed.resource)
    assert "is there, but must not be read" in refused.reason
    assert remedy in refused.remedy


def test_a_box_that_is_held_by_another(monkeypatch, seed, bus):
    def busy(*_):
        raise usb.core.USBError("Resource busy", -6, 16)

    monkeypatch.setattr(bus, "claim_interface", busy)
    refused = refusal(seed.resource)
    assert "Resource busy" in refused.reason
    assert "end whatever else holds it" in refused.remedy


def test_no_library_is_told_from_no_bus(monkeypatch, tmp_path, seed):
    def find(*_, **__):
        raise usb.core.NoBackendError("No backend available")

    monkeypatch.setattr(usb.core, "find", find)
    refused = refusal(seed.resource)
    assert "no USB library can be loaded" in refused.reason
    assert "install libusb" in refused.remedy

    monkeypatch.setattr(usb_bus.sys, "platform", "linux")
    monkeypatch.setattr(usb_bus, "_LINUX_BUS", tmp_path / "none")
    refused = refusal(seed.resource)
    assert "this computer has no USB" in refused.reason
    assert "a container must be given its devices" in refused.remedy


@pytest.mark.parametrize("resource", ["USB0::junk", "USB0::0x1313::0x804A::M1::0::RAW"])
def test_an_address_of_another_kind_is_sent_to_the_page(bus, resource):
    assert "docs/how-to/usb.md" in refusal(resource).remedy


# --- another VISA library -------------------------------------------------------------------


def test_another_visa_library_is_for_usb_alone(monkeypatch, box):
    monkeypatch.setenv("PYVISA_LIBRARY", "@none_such")
    refused = refusal(ABSENT)
    assert "none_such" in refused.reason
    assert "PYVISA_LIBRARY=@none_such" in refused.remedy
    line = VisaLine("generator", box.resource, timeout_s=PATIENT_S)
    line.open()
    box.answers[b":FREQ?"] = b"1\n"
    assert line.query(":FREQ?") == "1"
    line.close()
