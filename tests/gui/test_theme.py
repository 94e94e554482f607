"""Colours: contrast, and states that differ without colour."""

import pytest

from gui.theme.palettes import PALETTES, Tone, contrast


@pytest.mark.parametrize("name", PALETTES)
def test_every_text_has_enough_contrast_on_every_ground(name: str) -> None:
    palette = PALETTES[name]
    grounds = (palette.window, palette.surface, palette.raised)
    inks = (palette.text, palette.muted, palette.accent, *palette.tones.values(), *palette.series)
    poor = [
        (ink, ground, round(contrast(ink, ground), 2))
        for ink in inks
        for ground in grounds
        if contrast(ink, ground) < 4.5
    ]
    assert not poor
    assert contrast(palette.on_accent, palette.accent) >= 4.5
    assert contrast(palette.on_danger, palette.tones[Tone.DANGER]) >= 4.5


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
