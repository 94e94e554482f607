"""The dark and the light palette. Every text colour has a contrast of at least 4.5 on every
ground it may stand on; the series can be told apart with any common colour blindness (after Okabe
and Ito, darkened or lightened for the contrast). Tests hold both."""

from dataclasses import dataclass
from enum import Enum


class Tone(Enum):
    """What a state means; each has a word, a colour and a shape of its own."""

    OFF = "off"
    OK = "ok"
    BUSY = "busy"
    WARNING = "warning"
    DANGER = "danger"
    STALE = "stale"


@dataclass(frozen=True)
class Palette:
    """Colours as #rrggbb."""

    name: str
    window: str
    """Behind everything."""
    surface: str
    """Panels and plots."""
    raised: str
    """Buttons and fields."""
    text: str
    muted: str
    """Secondary text, axes, stale readings."""
    border: str
    accent: str
    """Focus, uncommitted edits, selections."""
    on_accent: str
    """Text on the accent."""
    tones: dict[Tone, str]
    on_danger: str
    """Text on the danger colour (STOP)."""
    series: tuple[str, ...]
    """Points, fit, components, overlays, in this order of use."""


DARK = Palette(
    name="dark",
    window="#111417",
    surface="#181c20",
    raised="#23282e",
    text="#e9ecef",
    muted="#a7b0b9",
    border="#4a535d",
    accent="#7cc0ff",
    on_accent="#0b1722",
    tones={
        Tone.OFF: "#a7b0b9",
        Tone.OK: "#45d08c",
        Tone.BUSY: "#7cc0ff",
        Tone.WARNING: "#f5bb3d",
        Tone.DANGER: "#ff857a",
        Tone.STALE: "#a7b0b9",
    },
    on_danger="#2a0503",
    series=("#e9ecef", "#62bdf0", "#f2a93b", "#3ecfa3", "#ef93c6", "#f0e442", "#ff9166"),
)

LIGHT = Palette(
    name="light",
    window="#eceff2",
    surface="#ffffff",
    raised="#f4f6f8",
    text="#14181c",
    muted="#505963",
    border="#8b949e",
    accent="#0a569f",
    on_accent="#ffffff",
    tones={
        Tone.OFF: "#505963",
        Tone.OK: "#0a6443",
        Tone.BUSY: "#0a569f",
        Tone.WARNING: "#8c5c08",
        Tone.DANGER: "#9c0014",
        Tone.STALE: "#505963",
    },
    on_danger="#ffffff",
    series=("#14181c", "#0069a6", "#925000", "#006851", "#9b3a74", "#504600", "#b84530"),
)

PALETTES = {palette.name: palette for palette in (DARK, LIGHT)}


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours by WCAG 2.2, 1 to 21."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
