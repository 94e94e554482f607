"""The sweep view: the middle of the window."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from atta_daq.client.runs import PartPoints
from gui.context import Context
from gui.dialogs import choose_save
from gui.model.run_end import INPUTS, tone_in_strip
from gui.panel import Panel
from gui.runs.model import TONES
from gui.sweep import export
from gui.sweep.chooser import Chooser
from gui.sweep.components import Mark, marks
from gui.sweep.model import Choice, make_picture
from gui.sweep.picture import Picture
from gui.sweep.plot import SweepPlot
from gui.sweep.source import Source
from gui.sweep.summary import FitTable, WantedError
from gui.sweep.wanted import lit_s
from gui.sweep.words import as_of, included_text, row_of
from gui.theme.palettes import Tone
from gui.widgets.badge import Badge
from gui.widgets.downward_scroll import DownwardScroll
from gui.widgets.elided import ElidedLabel
from gui.widgets.short_button import short_button
from gui.widgets.wrapped import WrappedRow

_SHORT = {
    "sweep.at_rest": "At rest",
    "sweep.components": "Components",
    "sweep.theory": "Theory",
    "sweep.residuals": "Residuals",
    "sweep.whole": "Whole",
}
_SHOWN_AT_FIRST = ("sweep.components", "sweep.theory", "sweep.residuals")


class SweepView(Panel):
    """Rate against what is swept, live or of a finished run. Is the service 'sweep'."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.source = Source(context, self._redraw)
        self.picture: Picture | None = None
        self._earlier: list[tuple[str, Picture]] = []
        self._reasons: tuple[str, ...] = ()
        self._drawn = False
        self._said = ""
        """What is read out; empty for what can be done."""
        self.plot = SweepPlot(context.theme)
        self.chooser = Chooser()
        self.table = FitTable()
        self.wanted = WantedError()
        self.readout = ElidedLabel()
        # A long readout must not widen the window.
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.readout.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.banner = QLabel()
        self.standing = Badge(context.theme, "")
        self.standing_said = ElidedLabel()
        self.range_button = QToolButton()
        self._lay_out()
        self._bind()
        context.services["sweep"] = self
        context.theme.changed.connect(self._restyle)
        context.link.state_changed.connect(self._redraw)
        self.plot.pointed.connect(self._read_out)
        self.plot.residuals_changed = self._tell_layers
        self.plot.component_picked.connect(self._centre)
        self.plot.region.chosen = self._choose_range
        self.plot.region.shown = self.range_button.setChecked
        self.range_button.toggled.connect(self._toggle_range)
        self.chooser.changed.connect(self._redraw)
        self._restyle()
        self.follow(self._follow, "run:info", "run:points", "run:fit", "run:state", "station:rig")
        self.follow(self._show_standing, *INPUTS)

    # --- asked by other parts of the window ----------------------------------------------

    def show_run(self, data: Mapping[str, Any]) -> None:
        """Show a finished run, the answer of `run_data`, in place of the live one."""
        self.chooser.follow_run()
        self.source.show_run(data)

    def show_live(self) -> None:
        """Show the run under way again."""
        self.chooser.follow_run()
        self.source.show_live()

    def compare(self, data: Mapping[str, Any]) -> None:
        """Draw another run behind the present one."""
        self.source.compare(data)

    def preview(self, theory: Mapping[str, Any]) -> None:
        """Show what the model expects of the editor's scan, the answer of `theory`."""
        self.source.preview(theory)

    # --- drawing -------------------------------------------------------------------------

    def _follow(self) -> None:
        if self.source.follow():
            self.chooser.follow_run()
        self._redraw()

    def _redraw(self) -> None:
        source, chooser = self.source, self.chooser
        offered = source.offered()
        automatic = source.automatic(offered)
        chooser.offer(
            offered, automatic.name if automatic else "", source.automatic_word(automatic)
        )
        part = next((p for p in offered if p.name == chooser.chosen), automatic)
        part = part or PartPoints("", 85, ("detuning_mhz",), "1/h")
        chooser.offer_axes(part.axes)
        records = source.records
        fit = records.fits.get(part.name)
        self.picture = make_picture(part, fit, source.theory_for(part), self._choice(part, records))
        self._earlier = [
            (other.run_id, make_picture(same, other.fits.get(same.name), None,
                                        self._choice(same, other)))
            for other in source.earlier
            if (same := other.like(part)) is not None
        ]  # fmt: skip
        self._draw(part)
        wants = chooser.chosen_quantity
        missing = part.points and wants is not self.picture.quantity
        bare = not part.points and self.picture.theory is not None
        note = "rate: nothing without pumping yet to count from" if missing else ""
        alone = "the theory alone: there is no rate yet to scale it with"
        chooser.show_note(alone if bare else note)
        chooser.force_quantity(self.picture.quantity if bare else None)
        stale_since = source.stale_since
        self.plot.dim(stale_since is not None)
        self.table.show_fit(fit)
        self.table.setEnabled(stale_since is None)
        rig = self.context.readings.rig
        self.wanted.show_errors(
            fit, lit_s(part), rig.rate if rig else 1.0, current=stale_since is None,
            over=source.over,
        )  # fmt: skip
        self._show_banner()
        self._drawn = bool(part.points)
        self._show_standing()
        self._read_out(self._said)
        self._tell_layers()

    def _draw(self, part: PartPoints) -> None:
        assert self.picture is not None
        picture, actions, source = self.picture, self.context.actions, self.source
        shown: tuple[Mark, ...] = ()
        known = self.context.readings.rig is not None
        if known and picture.is_spectrum and actions["sweep.components"].isChecked():
            doppler = source.doppler_mhz(part, source.records)
            shown = marks(part.isotope, doppler, actions["sweep.at_rest"].isChecked())
        self.plot.choose_ranges(picture.is_spectrum)
        self.range_button.setEnabled(picture.is_spectrum)
        fit = source.records.fits.get(part.name)
        theory = actions["sweep.theory"].isChecked()
        # The heading first: its height moves the plots below it.
        layers = self.plot.layers
        self.plot.show_heading(
            source.title(part),
            source.records.run_id,
            [
                *layers.entries(picture, included_text(fit) if fit else "", theory=theory),
                *layers.earlier_entries([run for run, _ in self._earlier]),
            ],
        )
        self.plot.draw(
            picture,
            shown,
            theory=theory,
            residuals=actions["sweep.residuals"].isChecked(),
            earlier=[other for _, other in self._earlier],
        )
        increase = fit and next((p for p in fit.parameters if p.name == "increase"), None)
        row = row_of(increase) if increase and picture.is_on_off else None
        if not part.name:
            # Without a station nothing can be started.
            connected = self.context.state.connected
            start = "and start it" if connected else "and start it once a station is connected"
            self.plot.show_answer(f"Prepare a scan below {start}")
        else:
            self.plot.show_answer(f"{row.name} {row.value} {row.unit}" if row else "")

    def _choice(self, part: PartPoints, records: Any) -> Choice:
        return Choice(
            quantity=self.chooser.chosen_quantity,
            axis=self.chooser.chosen_axis,
            at_rest=self.context.actions["sweep.at_rest"].isChecked(),
            doppler_mhz=self.source.doppler_mhz(part, records),
        )

    def _show_banner(self) -> None:
        self.forget_button.setVisible(bool(self.source.earlier))
        info = None if self.source.is_live else self.source.records.info
        self._banner_row.setVisible(info is not None)
        if info is not None:
            state = f", {info.outcome or info.state}" if info.state != "complete" else ""
            self.banner.setText(f"Earlier run {info.run_id}{state}: not what the rig does now")

    def _show_standing(self) -> None:
        """Over the plot: that the data are not current, or how their run has ended."""
        source = self.source
        since, ended = source.stale_since, source.ended
        shown = self._drawn and (since is not None or ended is not None)
        self._standing_row.setVisible(shown)
        if not shown:
            return
        if since is not None:
            self.standing.show_state(as_of(since), Tone.STALE)
            self.standing_said.show_text(self.context.readings.value("run:points").message)
        elif ended is not None:
            tone = tone_in_strip(self.context.readings) or TONES.get(ended.state, Tone.STALE)
            self.standing.show_state(ended.state, tone)
            self.standing_said.show_text(ended.outcome)

    def _why_no_layer(self, action_id: str) -> str:
        """Why a layer is not drawn though it may be chosen; '' when it can be."""
        picture = self.picture
        if picture is None or not picture.name:
            return "nothing is drawn yet"
        if action_id == "sweep.theory":
            return "" if picture.theory is not None else "there is no theory for what is drawn"
        if action_id == "sweep.residuals":
            if picture.fit is None:
                return "no fit is drawn"
            return "" if self.plot.residuals_fit else "the plot is too low for them"
        if not picture.is_spectrum:
            return "only a spectrum has components"
        known = self.context.readings.rig is not None
        return "" if known else "where they stand is not known before a station answers"

    def _tell_layers(self) -> None:
        """Buttons of layers that cannot be drawn do not look lit."""
        reasons = tuple(map(self._why_no_layer, _SHOWN_AT_FIRST))
        if reasons != self._reasons:
            self._reasons = reasons
            self.context.actions.refresh()

    # --- what the operator does ----------------------------------------------------------

    def _read_out(self, text: str) -> None:
        self._said = text
        self.readout.show_text(text or self._idle_text())

    def _idle_text(self) -> str:
        """What can be done with what is drawn; nothing with an empty plot."""
        something = self.picture is not None and bool(self.picture.name)
        can = (
            "point at the plot to read it" if something else "",
            "click on a component to centre a scan there" if self.plot.strip.marks else "",
        )
        text = "; ".join(part for part in can if part)
        return text[:1].upper() + text[1:]

    def _centre(self, mark: Mark) -> None:
        editor = self.context.services.get("editor")
        if editor is None or self.picture is None:
            self.context.notices.warn("there is no scan editor to centre a scan with")
            return
        if editor.centre_on(self.picture.isotope, mark.as_set_mhz):
            self.context.notices.info(
                f"scan editor: centred on {mark.name} of {self.picture.isotope}Kr, "
                f"{mark.as_set_mhz:.0f} MHz as set"
            )

    def _choose_range(self, start: float, stop: float) -> None:
        editor = self.context.services.get("editor")
        if editor is None or self.picture is None:
            self.context.notices.warn("there is no scan editor to set a range in")
            return
        ends = (self.picture.as_set(start), self.picture.as_set(stop))
        if editor.set_range(*ends):
            self._read_out(f"scan editor: {ends[0]:.0f} to {ends[1]:.0f} MHz as set")

    def _toggle_range(self, on: bool) -> None:
        region = self.plot.region
        region.show() if on else region.hide()

    def _at_rest(self, on: bool) -> None:
        if on and self.context.readings.rig is None:
            self.context.actions["sweep.at_rest"].setChecked(False)
            self.context.notices.warn("the Doppler shift is not known before a station answers")
            return
        self._redraw()

    def _save(self, suffix: str) -> None:
        if self.picture is None:
            return
        run = self.source.records.run_id or "theory"
        suggested = f"{run}-{self.picture.name}.{suffix}".replace(" ", "_")
        kind = f"{suffix.upper()} (*.{suffix})"
        choose_save(
            self.context, self, f"Save as {suffix.upper()}", kind, suggested,
            lambda path: self._write(suffix, path),
        )  # fmt: skip

    def _write(self, suffix: str, path: Any) -> None:
        assert self.picture is not None
        try:
            if suffix == "png":
                export.save_png(self.plot, path)
            elif suffix == "svg":
                export.save_svg(self.plot, path)
            else:
                run = self.source.records.run_id
                path.write_text(export.points_csv(run, self.picture, self._earlier))
        except OSError as error:
            self.context.notices.error(f"not saved: {error}")
        else:
            self.context.notices.info(f"saved {path}")

    # --- building ------------------------------------------------------------------------

    def _bind(self) -> None:
        actions = self.context.actions
        actions.bind("sweep.at_rest", self._at_rest)
        for action_id in _SHOWN_AT_FIRST:
            actions[action_id].setChecked(True)
            actions.bind(action_id, lambda _on: self._redraw())
            actions.condition(action_id, lambda action_id=action_id: self._why_no_layer(action_id))
        actions.bind("sweep.whole", self.plot.whole)
        actions.bind("sweep.forget", self.source.forget)
        for suffix in ("png", "svg", "csv"):
            actions.bind(f"sweep.{suffix}", lambda suffix=suffix: self._save(suffix))

    def _lay_out(self) -> None:
        actions = self.context.actions
        self.buttons = {
            action_id: short_button(self.context, action_id, text)
            for action_id, text in _SHORT.items()
        }
        for action_id in _SHOWN_AT_FIRST:
            self.buttons[action_id].setProperty("layer", True)
        buttons = WrappedRow(*self.buttons.values(), spacing_px=4)
        self.range_button.setText("Range")
        self.range_button.setCheckable(True)
        self.range_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.range_button.setAccessibleName("choose the range of a scan on the axis")
        self.range_button.setToolTip(
            "Drag the two ends; the scan editor takes them (or drag on the axis)"
        )
        self.forget_button = short_button(self.context, "sweep.forget", "Clear overlays")
        self._standing_row = QWidget()
        standing = QHBoxLayout(self._standing_row)
        standing.setContentsMargins(0, 0, 0, 0)
        standing.addWidget(self.standing)
        standing.addWidget(self.standing_said, 1)
        self._standing_row.hide()
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(4, 4, 0, 4)
        column.addWidget(buttons)
        column.addWidget(self._standing_row)
        column.addWidget(self.plot, 1)
        right = QWidget()
        side = QVBoxLayout(right)
        side.setContentsMargins(0, 4, 4, 4)
        side.addWidget(self.chooser)
        self.results = results = DownwardScroll()
        results.setWidgetResizable(True)
        results.setFrameShape(QFrame.Shape.NoFrame)
        results.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        results.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        results.setWidget(self.table)
        side.addWidget(results, 1)
        side.addWidget(self.wanted)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(left)
        splitter.addWidget(right)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 0)
        splitter.setSizes([470, 310])
        splitter.setChildrenCollapsible(False)
        self._banner_row = QWidget()
        self._banner_row.setObjectName("earlier-run")
        self._banner_row.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        banner = QHBoxLayout(self._banner_row)
        banner.setContentsMargins(8, 3, 8, 3)
        banner.addWidget(self.banner, 1)
        banner.addWidget(actions.button("runs.live"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._banner_row)
        layout.addWidget(splitter, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(6, 0, 6, 4)
        foot.addWidget(self.readout, 1)
        foot.addWidget(self.range_button)
        foot.addWidget(self.forget_button)
        layout.addLayout(foot)
        self._banner_row.hide()
        self._read_out("")

    def _restyle(self) -> None:
        palette = self.context.theme.palette
        self._banner_row.setStyleSheet(
            f"#earlier-run {{ background: {palette.accent}; }}"
            f"#earlier-run QLabel {{ color: {palette.on_accent}; font-weight: bold; }}"
        )
        self.plot.restyle()
        self.table.restyle()
        self._redraw()
