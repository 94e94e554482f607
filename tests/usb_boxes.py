"""USBTMC boxes made of bytes, on a bus that pyusb takes for the computer's.

What is played is the level below pyusb (its backend): descriptors, control and bulk transfers as
in USBTMC 1.00. So pyusb's and pyvisa-py's own code run in the tests, on a computer without USB.
"""

import errno
import time
from array import array
from types import SimpleNamespace
from typing import Any

import usb.backend
import usb.core

OUT, IN = 0x02, 0x81
_OUT_MESSAGE, _IN_MESSAGE = 1, 2
_STRING_DESCRIPTOR = 3
_SERIAL_INDEX = 3
_INITIATE_ABORT_IN, _CHECK_ABORT_IN, _GET_CAPABILITIES = 3, 4, 7


class UsbBox:
    """Answers each received line from `answers`; an unknown line gets no answer.

    `plugged`: is on the bus. `readable`: this user may open it. `packet`: sent instead of the
    next answer, header and all. `received` has every line with its terminator. `late`: lines whose
    next answer has not come when its reader gives up, and comes before that to the line behind it;
    no abort takes it away. `hung`: what comes is taken, neither acted upon nor answered.
    """

    def __init__(self, maker: int = 0x1313, model: int = 0x804A, serial: str = "M001") -> None:
        self.maker, self.model, self.serial = maker, model, serial
        self.resource = f"USB0::{maker:#06x}::{model:#06x}::{serial}::INSTR"
        self.answers: dict[bytes, bytes] = {}
        self.received: list[bytes] = []
        self.plugged = self.readable = True
        self.packet: bytes | None = None
        self.late: set[bytes] = set()
        self.hung = False
        self._late: list[bytes] = []
        self._messages: list[bytes] = []
        self._aborting = False
        self._asked = (0, 0)

    def take(self, message: bytes) -> None:
        kind, tag = message[0], message[1]
        size = int.from_bytes(message[4:8], "little")
        if kind == _IN_MESSAGE:
            self._asked = tag, size
            return
        assert kind == _OUT_MESSAGE
        if self.hung:
            return
        line = message[12 : 12 + size]
        self.received.append(line)
        answer = [self.answers[line.strip()]] if line.strip() in self.answers else []
        self._messages += self._late
        self._late = []
        if line.strip() in self.late:
            self.late.discard(line.strip())
            self._late = answer
        else:
            self._messages += answer

    def give(self, timeout_ms: int) -> bytes:
        if self._aborting:
            return b""
        if self.packet is not None:
            packet, self.packet = self.packet, None
            return packet
        if not self._messages:
            time.sleep(1e-3 * timeout_ms)
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT)
        tag, size = self._asked
        data, rest = self._messages[0][:size], self._messages[0][size:]
        self._messages[:1] = [rest] if rest else []
        head = bytes([_IN_MESSAGE, tag, ~tag & 0xFF, 0]) + len(data).to_bytes(4, "little")
        return head + bytes([not rest, 0, 0, 0]) + data + b"\0" * (-len(data) % 4)

    def control(self, kind: int, request: int, value: int) -> bytes:
        if (kind, value >> 8) == (0x80, _STRING_DESCRIPTOR):
            text = self.serial.encode("utf-16-le") if value & 0xFF else b"\x09\x04"
            return bytes([2 + len(text), _STRING_DESCRIPTOR]) + text
        self._aborting = request == _INITIATE_ABORT_IN
        if self._aborting:
            self._messages = []
        assert request in (_INITIATE_ABORT_IN, _CHECK_ABORT_IN, _GET_CAPABILITIES)
        return bytes([1]) + bytes(23)


class UsbBus(usb.backend.IBackend):
    """The boxes that are on the bus."""

    def __init__(self, *boxes: UsbBox) -> None:
        super().__init__()
        self.boxes = list(boxes)

    def enumerate_devices(self) -> Any:
        return (box for box in self.boxes if box.plugged)

    def get_device_descriptor(self, dev: UsbBox) -> SimpleNamespace:
        return _descriptor(
            18, 1, idVendor=dev.maker, idProduct=dev.model, iSerialNumber=_SERIAL_INDEX,
            bNumConfigurations=1, bcdUSB=0x200, bDeviceClass=0, bDeviceSubClass=0,
            bDeviceProtocol=0, bMaxPacketSize0=64, bcdDevice=1, iManufacturer=0, iProduct=0,
            bus=1, address=2 + self.boxes.index(dev), port_number=1, port_numbers=(1,), speed=3,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: UsbBox, config: int) -> SimpleNamespace:
        return _descriptor(
            9, 2, wTotalLength=32, bNumInterfaces=1, bConfigurationValue=1, iConfiguration=0,
            bmAttributes=0xC0, bMaxPower=0,
        )  # fmt: skip

    def get_interface_descriptor(self, dev: UsbBox, intf: int, alt: int, config: int) -> Any:
        if alt:
            raise IndexError("one setting only")
        return _descriptor(
            9, 4, bInterfaceNumber=0, bAlternateSetting=0, bNumEndpoints=2, bInterfaceClass=0xFE,
            bInterfaceSubClass=3, bInterfaceProtocol=1, iInterface=0,
        )  # fmt: skip

    def get_endpoint_descriptor(
        self, dev: UsbBox, ep: int, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        return _descriptor(
            7, 5, bEndpointAddress=(OUT, IN)[ep], bmAttributes=2, wMaxPacketSize=512, bInterval=0,
            bRefresh=0, bSynchAddress=0,
        )  # fmt: skip

    def open_device(self, dev: UsbBox) -> UsbBox:
        if not dev.readable:
            raise usb.core.USBError("Access denied (insufficient permissions)", -3, errno.EACCES)
        return self._there(dev)

    def close_device(self, dev_handle: UsbBox) -> None:
        pass

    def get_configuration(self, dev_handle: UsbBox) -> int:
        return 1

    def is_kernel_driver_active(self, dev_handle: UsbBox, intf: int) -> bool:
        return False

    def claim_interface(self, dev_handle: UsbBox, intf: int) -> None:
        self._there(dev_handle)

    def release_interface(self, dev_handle: UsbBox, intf: int) -> None:
        self._there(dev_handle)

    def bulk_write(
        self, dev_handle: UsbBox, ep: int, intf: int, data: array, timeout: int
    ) -> int:  # fmt: skip
        assert ep == OUT
        self._there(dev_handle).take(data.tobytes())
        return len(data)

    def bulk_read(
        self, dev_handle: UsbBox, ep: int, intf: int, buff: array, timeout: int
    ) -> int:  # fmt: skip
        assert ep == IN
        return _fill(buff, self._there(dev_handle).give(timeout))

    def ctrl_transfer(
        self, dev_handle: UsbBox, bmRequestType: int, bRequest: int, wValue: int, wIndex: int,
        data: array, timeout: int,
    ) -> int:  # fmt: skip
        return _fill(data, self._there(dev_handle).control(bmRequestType, bRequest, wValue))

    def _there(self, box: UsbBox) -> UsbBox:
        if not box.plugged:
            raise usb.core.USBError(
                "No such device (it may have been disconnected)", -4, errno.ENODEV
            )
        return box


def _descriptor(length: int, kind: int, **fields: Any) -> SimpleNamespace:
    return SimpleNamespace(bLength=length, bDescriptorType=kind, extra_descriptors=[], **fields)


def _fill(buffer: array, data: bytes) -> int:
    count = min(len(buffer), len(data))
    buffer[:count] = array("B", data[:count])
    return count
