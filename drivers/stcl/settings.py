"""What the software lock is told: ramp, actuator, loops, limits of the loss tests."""

from dataclasses import dataclass, field

from drivers.interfaces import Range


@dataclass(frozen=True)
class LossLimits:
    """When a sweep counts as bad. Shares are of the values learned when the lock was closed."""

    spacing_share: float = 0.03
    """Deviation of the masters' spacing."""
    height_share: Range = field(default_factory=lambda: Range(0.6, 1.5))
    """Heights of the peaks; below the lower end the slave's light has dropped."""
    width_share: Range = field(default_factory=lambda: Range(0.6, 1.6))
    jump_ratio: float = 0.02
    """Largest distance between ratio and setpoint within one sweep."""
    step_ratio: float = 0.006
    """Largest change of that distance from one sweep to the next while the laser is held. A cavity
    that jumps by one order of the master leaves its peaks where they were and moves the slave's by
    0.0095 (28 MHz) only; sweeps scatter by 0.0003 rms at 10 MHz/min of drift, and by 0.0013 at
    most in 1500."""
    cavity_jump: float = 0.015
    """Largest distance of m1 from its place, as a share of the ramp."""
    rail_margin: float = 0.05
    """Share of the actuator's range at either end that counts as its rail."""
    rail_sweeps: int = 3
    stale_s: float = 2.0
    """A lock without a new sweep for so long is lost."""
    clipped_v: float = 0.99
    """A trace that reaches this has left the converter's range."""
    sideband_share: float = 0.005
    """Least height over the carrier of a symmetric pair that is called sidebands. There is no
    upper end: beyond a modulation index of 1.43 they are higher than the carrier."""


@dataclass(frozen=True)
class StclSettings:
    """Positions on the ramp are shares of one pass, 0 at its lowest voltage and 1 at its highest,
    on the rising and on the falling ramp alike. Ratios are total: r of one peak of the slave plus
    whole orders of 1/`slave_over_master`."""

    ramp_hz: float = 75.0
    ramp_amplitude_v: float = 0.6
    ramp_offset_v: Range = field(default_factory=lambda: Range(-0.35, 0.35))
    """Allowed offsets of the ramp; with the amplitude they stay within the output's 1 V."""
    laser_v: Range = field(default_factory=lambda: Range(-1.0, 1.0))
    """Range of the laser's actuator."""
    rest_v: float = 0.0
    """Where the laser's actuator rests: there a diode finds back to its first mode."""
    ratio_per_v: float = 0.74
    """Change of the ratio by one volt on the laser's actuator, signed."""
    spacing: float = 0.767
    """Master spacing over one pass, within `spacing_tolerance`."""
    spacing_tolerance: float = 0.1
    finesse: float = 300.0
    """Of the cavity, for the expected width of a peak; a factor of 3 wrong does no harm."""
    min_height_v: Range = field(default_factory=lambda: Range(0.02, 0.1))
    """Smallest peak that is looked for (also sidebands), and smallest that is a laser's own."""
    ratio_range: Range = field(default_factory=lambda: Range(-0.9, 1.9))
    """Allowed setpoints, total ratios."""
    master_margin: float = 0.04
    """A setpoint nearer than this to a master peak is refused."""
    slave_over_master: float = 0.9906
    laser_integral: float = 0.35
    """Share of the error that one sweep takes out."""
    laser_proportional: float = 0.1
    """Share of the change of the error that one sweep takes out."""
    cavity_integral: float = 0.3
    cavity_proportional: float = 0.0
    longest_step: float = 0.08
    """Of the setpoint in one sweep of a move, in ratio."""
    landing_tolerance: float = 3e-4
    """Mean distance from the setpoint of the last `landing_sweeps` when a move has landed."""
    landing_sweeps: int = 6
    patience_sweeps: int = 40
    """Sweeps that settling or landing may take."""
    stroke_tolerance: Range = field(default_factory=lambda: Range(0.02, 0.15))
    """Stroke of the actuator in a move beside what its slope says: ratio, plus share of the move;
    more is a mode hop."""
    probe_ratio: float = 0.02
    """Stroke of the test that tells the wiring."""
    auto_relock: bool = True
    relock_wait_s: float = 1.0
    relock_attempts: int = 5
    """In a row; then it stays lost until somebody asks."""
    limits: LossLimits = field(default_factory=LossLimits)

    def __post_init__(self) -> None:
        if self.ramp_amplitude_v + max(-self.ramp_offset_v.low, self.ramp_offset_v.high) > 1.0:
            raise ValueError("ramp amplitude and offset together leave the output's 1 V")
        if not self.spacing < 1.0:
            raise ValueError("one pass of the ramp must hold two master peaks: spacing below 1")
        if self.ratio_per_v == 0.0:
            raise ValueError("ratio_per_v must not be zero")

    @property
    def slave_order(self) -> float:
        """Distance of two peaks of the slave over the masters' spacing."""
        return 1.0 / self.slave_over_master
