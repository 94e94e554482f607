"""The 819-nm light on the atoms: on or blocked, and what it gains at this moment."""

import math

from PySide6.QtWidgets import QGridLayout

from gui.context import Context
from gui.panels.pumping_toggle import ACTION, PumpingToggle
from gui.panels.scrolled import ScrolledPanel
from gui.widgets.big_number import BigNumber
from gui.widgets.readback import Readback
from gui.widgets.words import show_stale, words
from gui.words import sentence, true_minus


class PumpingPanel(ScrolledPanel):
    """A toggle for arm's length, and the ratio of the moment."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.toggle = PumpingToggle(context)
        self.ratio = BigNumber(context.theme, "increase of the 84Kr loading rate")
        self.why = words(role="")
        self.head.addWidget(self.toggle)
        self.head.addWidget(self.ratio)
        self.remark = words()
        self.body.addWidget(self.why)
        self.body.addWidget(self.remark)
        rates = QGridLayout()
        rates.setVerticalSpacing(2)
        for row, (caption, name) in enumerate(
            (
                ("Last 84Kr loading rate of a run", "rate:loading_84"),
                ("Newest of the alignment", "loading:meter"),
            )
        ):
            rates.addWidget(words(caption, role=""), row, 0)
            rates.addWidget(Readback(self, name), row, 1)
        self.body.addLayout(rates)
        self.body.addStretch(1)
        self.follow(self._show_shutter, "light:shutter")
        self.follow(self._show_ratio, "light:ratio")
        context.actions[ACTION].toggled.connect(self._show_shutter)

    def _show_shutter(self) -> None:
        value = self.context.readings.value("light:shutter")
        self.toggle.show_shutter(None if value.stale else bool(value.value))

    def _show_ratio(self) -> None:
        value = self.context.readings.value("light:ratio")
        self.remark.setText(sentence(value.message))
        self.remark.setVisible(bool(value.message))
        show_stale(self.why, value.stale)
        ratio = self.context.readings.number("light:ratio")
        if not math.isfinite(ratio) or ratio <= 0.0:
            self.ratio.show_text("–", stale=True, why=value.message)
            self.why.setText(
                "No ratio yet: the alignment measures it, once it has seen an 84Kr loading rate "
                "with the light on and one with it blocked."
            )
            return
        self.ratio.show_text(increase(ratio), stale=value.stale, why=value.message)
        self.why.setText(
            f"Ratio {ratio:.3f}: the alignment's mean 84Kr loading rate with the light on over "
            "that with it blocked, each since it last changed."
        )


def increase(ratio: float) -> str:
    """'+57 %' for 1.57; '0 %' without a sign."""
    percent = round(100.0 * (ratio - 1.0))
    return true_minus(f"{percent:+d} %") if percent else "0 %"
