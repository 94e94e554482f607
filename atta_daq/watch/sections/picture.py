"""The last camera picture, as a PNG that the page shows as it is."""

import base64
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atta_daq.watch.values import Look

LARGEST = 512
"""Pixels along a side; a larger picture is thinned to every second, third ... pixel."""


def picture(look: Look) -> dict[str, Any]:
    """PNG as a data URI, its grey range in ADU, and when (rig time) the exposure ended."""
    image = look.value("camera:image")
    if image is None or min(image.value.shape) < 2:
        return {"png": ""}
    shown, low, high = grey(image.value)
    isotope = look.number("trap:isotope")
    return {
        "png": "data:image/png;base64," + base64.b64encode(png(shown)).decode("ascii"),
        "rows": int(shown.shape[0]),
        "columns": int(shown.shape[1]),
        "low_adu": low,
        "high_adu": high,
        "taken_rig_s": image.taken_s,
        "posted_utc_s": image.utc_s,
        "rate": look.json("station:rig", {}).get("rate", 1.0),
        "isotope": "" if isotope is None or isotope <= 0 else f"{isotope:.0f}Kr",
        "live": bool(look.flag("camera:acquiring")),
        "saturated": look.number("camera:saturated"),
    }


def grey(image: NDArray[np.uint16]) -> tuple[NDArray[np.uint8], int, int]:
    """8-bit picture, with the ADU values of black and white (0.5 and 99.8 % of the pixels)."""
    step = max(1, -(-max(image.shape) // LARGEST))
    thinned = image[::step, ::step].astype(np.float64)
    low, high = (float(v) for v in np.percentile(thinned, (0.5, 99.8)))
    span = max(high - low, 1.0)
    scaled = np.clip((thinned - low) / span, 0.0, 1.0)
    return (255.0 * scaled + 0.5).astype(np.uint8), round(low), round(high)


def png(grey_levels: NDArray[np.uint8]) -> bytes:
    """An 8-bit greyscale PNG (ISO/IEC 15948), every line with filter 0."""
    rows, columns = grey_levels.shape
    lines = np.zeros((rows, columns + 1), dtype=np.uint8)
    lines[:, 1:] = grey_levels
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(lines.tobytes(), 6)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
