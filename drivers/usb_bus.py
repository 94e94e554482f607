"""USB under VISA: which library opens it, and why a box did not open, for the operator.

pyvisa-py says "No device found." of a box that is off, of a wrong serial number, and of a box that
this user may not read: what has no readable serial number matches no resource. So the bus is
looked at once more.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libusb_package
import usb.core
from pyvisa import rname

PYVISA_PY = "@py"
OTHER_LIBRARY = "PYVISA_LIBRARY"
"""pyvisa's own environment variable, obeyed for USB only: what guards a TCP session against an
answer too many looks at the socket of pyvisa-py."""
_LINUX_BUS = Path("/dev/bus/usb")
_PAGE = "docs/how-to/usb.md"
_RIGHTS = {
    "linux": f"give this user the right to it with a udev rule, then plug it in anew ({_PAGE})",
    "win32": f"give it the WinUSB driver, or use the VISA library of its driver ({_PAGE})",
}


def is_usb(resource: str) -> bool:
    """Whether the VISA resource is a box on USB."""
    return resource.upper().startswith("USB")


def library(resource: str) -> str:
    """The VISA library that opens `resource`, in pyvisa's notation."""
    return (os.environ.get(OTHER_LIBRARY) if is_usb(resource) else None) or PYVISA_PY


def load_libusb() -> None:
    """Let pyusb have the libusb of `libusb-package`, unless the first call has. Never raises.

    pyvisa-py asks pyusb for one when it is imported, for whatever kind of resource. Without this
    every process searches the system's libraries first, by starting a compiler for each name.
    """
    libusb_package.get_libusb1_backend()


def why_not(resource: str, error: Exception) -> tuple[str, str]:
    """What kept `resource` from being opened with `error`, and what to do about it.

    May take the seconds of a few control transfers, when a box of the same maker is silent.
    """
    chosen = library(resource)
    if chosen != PYVISA_PY:
        return str(error), f"see whether the VISA library of {OTHER_LIBRARY}={chosen} lists it"
    try:
        wanted = rname.parse_resource_name(resource)
    except rname.InvalidResourceName as wrong:
        return str(wrong), f"write its address as {_PAGE} says"
    if not isinstance(wanted, rname.USBInstr):
        return str(error), f"only boxes that speak USBTMC are opened, USB...::INSTR ({_PAGE})"
    try:
        model_wanted = int(wanted.model_code, 0)
        boxes = list(_boxes(int(wanted.manufacturer_id, 0)))
    except usb.core.NoBackendError:
        return _no_bus() or (
            "no USB library can be loaded",
            f"install libusb, then start the program anew ({_PAGE})",
        )
    except (usb.core.USBError, ValueError):
        return str(error), f"check power, cable and address ({_PAGE})"
    alike = [serial for model, serial in boxes if model == model_wanted]
    if wanted.serial_number.upper() in alike:
        return str(error), "end whatever else holds it, or switch the box off and on"
    if None in alike:
        rights = _RIGHTS.get(sys.platform, f"end whatever else holds it ({_PAGE})")
        return "a box of its model is there, but must not be read", rights
    if not boxes and (no_bus := _no_bus()):
        return no_bus
    others = ", ".join(f"0x{model:04X} {serial or 'unreadable'}" for model, serial in boxes)
    return (
        "no such box on USB",
        f"check power, cable and address; of this maker there is {others or 'nothing'}",
    )


def _boxes(maker: int) -> Iterator[tuple[int, str | None]]:
    """Model and serial number of every device of `maker`; None where it cannot be read."""
    # Not at the top: whoever imports pyvisa-py has it look for a library.
    from pyvisa_py.protocols.usbutil import find_devices

    devices: Any = find_devices(vendor=maker)
    for device in devices:
        try:
            serial = device.serial_number
        except (usb.core.USBError, ValueError, NotImplementedError):
            serial = None
        yield device.idProduct, serial and serial.upper()


def _no_bus() -> tuple[str, str] | None:
    """Not whether anything is plugged in: Linux shows the hub of every controller there."""
    if sys.platform != "linux" or _LINUX_BUS.exists():
        return None
    return (
        f"this computer has no USB: {_LINUX_BUS} is missing",
        "connect the box to a computer that has; a container must be given its devices",
    )
