"""Watches the source through the brackets of the run under way."""

import logging
from collections.abc import Iterable, Sequence

from atta_daq.analysis.drift_judgement import judge_drift, newest_step
from atta_daq.analysis.pumping_check import pumping_check
from atta_daq.analysis.records import Segment
from atta_daq.rig.config import RigConfig
from atta_daq.scans.bracket_period import bracket_cost
from atta_daq.scans.definition import ScanDefinition
from atta_daq.station.alarms import Alarms, Cause

log = logging.getLogger(__name__)

DRIFT, STEP, PUMPING = "source:drift", "source:step", "run:pumping-check"


class DriftWatch:
    """`bracket` and `end` are called by the run; `causes` by the watch of the alarms."""

    def __init__(self, config: RigConfig, alarms: Alarms) -> None:
        self._timing = config.scan_timing()
        self._alarms = alarms
        self._config = config
        self._causes: tuple[Cause, ...] = ()

    def begin(self, definition: ScanDefinition, config: RigConfig) -> None:
        """A run starts; `config` holds the calibrations that it was planned with."""
        self._definition = definition
        self._config = config
        self._causes = ()

    def causes(self) -> Iterable[Cause]:
        """The drift that outruns its brackets, as long as it does."""
        return self._causes

    def bracket(self, segments: Sequence[Segment]) -> None:
        """All segments so far, a new bracket the last of them."""
        calibrations = self._config.calibrations
        drift, error = calibrations.source.spectrum(), calibrations.rates.loading_relative_error
        pumped = self._definition.bracket_pumping
        cost = bracket_cost(self._definition, self._timing, error)
        step = newest_step(segments, drift, pumped_brackets=pumped)
        if step is not None:
            first_s = min(s.mid_rig_s for s in segments if s.bracket and not s.flag)
            text = (
                f"{step.in_words(first_s)}. What was counted in between keeps an enlarged error; "
                "look at the discharge and the pressures"
            )
            self._alarms.raise_(Cause(STEP, "source", text, "minor", once=True))
        judged = judge_drift(segments, drift, error, cost.length_s, pumped_brackets=pumped)
        if judged is None or not judged.outruns:
            self._causes = ()
            return
        severity = "major" if judged.grave else "minor"
        self._causes = (Cause(DRIFT, "source", judged.text, severity),)

    def end(self, segments: Sequence[Segment]) -> None:
        """The run is over: compare its checks of the pumping, forget its drift."""
        self._causes = ()
        try:
            check = pumping_check(segments, self._config.calibrations.source.spectrum())
        except ValueError as error:
            log.warning("the checks of the pumping cannot be compared: %s", error)
            return
        if check.disagrees:
            self._alarms.raise_(Cause(PUMPING, "run", check.text, "minor", once=True))
