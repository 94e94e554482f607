"""The tests that tell a good sweep from a lost lock, each with its reason in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from drivers.stcl.peaks import Peak
from drivers.stcl.settings import LossLimits, StclSettings
from drivers.stcl.sweep import Pass, Sweep, hysteresis, length_at


@dataclass(frozen=True)
class Loss:
    """Why a sweep cannot be trusted. `kind` names the test."""

    kind: str
    text: str

    @property
    def wiring(self) -> bool:
        """Somebody has to look at the cables; trying again does not help."""
        return self.kind in ("sidebands", "swapped photodiodes", "ramp polarity", "actuator")


class Lost(Exception):
    """A sweep failed a test; nothing has moved on it."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss.text)
        self.loss = loss


REPEATED = Loss("stale", "the board sends the same record again")


@dataclass(frozen=True)
class Reference:
    """What sweeps looked like when the lock was closed."""

    spacing: float
    master_height: float
    master_fwhm: float
    slave_height: float
    slave_fwhm: float

    @classmethod
    def of(cls, sweep: Sweep) -> "Reference":
        passes = (sweep.rising, sweep.falling)

        def mean(values: list[float]) -> float:
            return sum(values) / len(values)

        masters = [peak for one in passes for peak in one.masters]
        slaves = [peak for one in passes for peak in one.slaves]
        return cls(
            spacing=mean([one.spacing for one in passes]),
            master_height=mean([peak.height for peak in masters]),
            master_fwhm=mean([peak.fwhm for peak in masters]),
            slave_height=mean([peak.height for peak in slaves]),
            slave_fwhm=mean([peak.fwhm for peak in slaves]),
        )


def masters_lost(sweep: Sweep, settings: StclSettings, reference: Reference | None) -> Loss | None:
    """What is wrong with the master's peaks; only good ones may move the cavity."""
    limits = settings.limits
    if sweep.repeated:
        return REPEATED
    if sweep.highest_v >= limits.clipped_v:
        return Loss("height", f"a trace is clipped at {sweep.highest_v:.2f} V: turn its gain down")
    for name, one in sweep.passes:
        if len(one.masters) != 2:
            return Loss("peak count", f"{len(one.masters)} of 2 master peaks on the {name} ramp")
        wanted, tolerance = settings.spacing, settings.spacing_tolerance
        if reference is not None:
            wanted, tolerance = reference.spacing, limits.spacing_share
        # The hysteresis of the piezo makes the passes differ; the wider band holds for both.
        if abs(one.spacing / wanted - 1.0) > tolerance:
            return Loss(
                "master spacing",
                f"master spacing {one.spacing:.3f} of the {name} ramp, expected {wanted:.3f}",
            )
    if reference is not None:
        for name, one in sweep.passes:
            for peak in one.masters:
                loss = _shape(f"master peak on the {name} ramp", peak.height, peak.fwhm,
                              reference.master_height, reference.master_fwhm, limits)  # fmt: skip
                if loss is not None:
                    return loss
    return None


def slave_lost(sweep: Sweep, settings: StclSettings, reference: Reference | None) -> Loss | None:
    """What is wrong with the slave's peaks, on good master peaks."""
    limits = settings.limits
    sidebands = sidebands_seen(sweep, settings)
    if sidebands is not None:
        return sidebands
    for name, one in sweep.passes:
        if not one.slaves:
            if reference is None:
                return Loss("peak count", f"no slave peak on the {name} ramp")
            return Loss("power drop", f"no slave peak on the {name} ramp: is the seed on?")
        gaps = [
            (b.position - a.position) / one.spacing
            for a, b in zip(one.slaves[:-1], one.slaves[1:], strict=True)
        ]
        if any(abs(gap / settings.slave_order - 1.0) > 0.05 for gap in gaps):
            return Loss(
                "peak count", f"{len(one.slaves)} slave peaks on the {name} ramp: on two modes?"
            )
    if reference is not None:
        for name, one in sweep.passes:
            for peak in one.slaves:
                share = peak.height / reference.slave_height
                if share < limits.height_share.low:
                    return Loss("power drop", f"the slave's peak fell to {100 * share:.0f} %")
                loss = _shape(f"slave peak on the {name} ramp", peak.height, peak.fwhm,
                              reference.slave_height, reference.slave_fwhm, limits)  # fmt: skip
                if loss is not None:
                    return loss
    return None


def _shape(
    what: str, height: float, fwhm: float, usual_height: float, usual_fwhm: float,
    limits: LossLimits,
) -> Loss | None:  # fmt: skip
    if height / usual_height not in limits.height_share:
        return Loss("height", f"{what} has {100 * height / usual_height:.0f} % of its height")
    if fwhm / usual_fwhm not in limits.width_share:
        return Loss("width", f"{what} has {100 * fwhm / usual_fwhm:.0f} % of its width")
    return None


def sidebands_seen(sweep: Sweep, settings: StclSettings) -> Loss | None:
    """A pair of like height at like distances left and right of a peak of the slave, one of the
    three the highest of its pass. Needs two master peaks on each pass.

    Looked for among all peaks: strong sidebands are as high as the laser's own modes.
    """
    h = hysteresis(sweep)
    for one, sign in ((sweep.rising, 1.0), (sweep.falling, -1.0)):
        peaks = sorted((*one.slaves, *one.minor), key=lambda peak: peak.position)
        # The piezo's hysteresis would bend a wide pair out of its symmetry.
        places = [length_at(peak.position, sign * h) for peak in peaks]
        for triple in combinations(zip(places, peaks, strict=True), 3):
            loss = _pair(one, triple, settings)
            if loss is not None:
                return loss
    return None


def _pair(one: Pass, triple: Sequence[tuple[float, Peak]], settings: StclSettings) -> Loss | None:
    """The loss when the outer two of three peaks are sidebands of the middle one. Places run from
    -1 to 1 along the pass."""
    (x_left, left), (x_carrier, carrier), (x_right, right) = triple
    distance = 0.25 * (x_right - x_left)
    symmetric = abs(x_left + x_right - 2.0 * x_carrier) < carrier.fwhm
    alike = abs(left.height - right.height) < 0.4 * (left.height + right.height)
    share = 0.5 * (left.height + right.height) / carrier.height
    highest = max(peak.height for peak in (*one.slaves, *one.minor))
    strong = max(left.height, carrier.height, right.height) > 0.8 * highest
    # Two orders of one mode with another mode in their middle look the same.
    orders = abs(2.0 * distance / (one.spacing * settings.slave_order) - 1.0) < 0.05
    if not (symmetric and alike and strong and share > settings.limits.sideband_share) or orders:
        return None
    return Loss(
        "sidebands",
        f"sidebands of {100 * share:.1f} % at {distance / one.spacing:.3f} of the free spectral "
        "range beside the slave: the pick-off lies behind the EOM",
    )
