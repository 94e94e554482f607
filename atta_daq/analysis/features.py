"""Which hyperfine components a position in a spectrum belongs to."""

from dataclasses import dataclass

from atta_daq.physics.hyperfine import Component, components

NATURAL_HALF_WIDTH_MHZ = 21.0


@dataclass(frozen=True)
class Feature:
    """A component with its share of what absorbs at some detuning."""

    component: Component
    distance_mhz: float
    share: float

    @property
    def name(self) -> str:
        """'11/2-13/2', or '819 nm' for an even isotope."""
        return component_name(self.component)


def component_name(component: Component) -> str:
    """'11/2-13/2'; lines of even isotopes have no hyperfine structure: '819 nm'."""
    return component.name


def features_at(
    isotope: int, rest_detuning_mhz: float, half_width_mhz: float = 3.0 * NATURAL_HALF_WIDTH_MHZ
) -> tuple[Feature, ...]:
    """Components that make up the spectrum at a detuning in the atoms' frame, largest first.

    Shares are strengths under Lorentzians of the given (power-broadened) half width; components
    below a quarter of the largest are left out.
    """
    found = []
    for component in components(isotope):
        distance = rest_detuning_mhz - component.total_mhz
        weight = component.strength / (1.0 + (distance / half_width_mhz) ** 2)
        found.append((weight, distance, component))
    total = sum(weight for weight, _, _ in found)
    largest = max(weight for weight, _, _ in found)
    kept = sorted((f for f in found if f[0] >= 0.25 * largest), key=lambda f: -f[0])
    return tuple(Feature(c, distance, weight / total) for weight, distance, c in kept)


def describe(isotope: int, rest_detuning_mhz: float) -> str:
    """'11/2-13/2 (closed)', or 'overlap of 9/2-11/2 and 7/2-9/2'."""
    closed = components(isotope)[-1]
    names = []
    for feature in features_at(isotope, rest_detuning_mhz):
        is_closed = feature.component == closed and closed.strength < 0.999
        names.append(feature.name + (" (closed)" if is_closed else ""))
    if len(names) == 1:
        return names[0]
    return f"overlap of {', '.join(names[:-1])} and {names[-1]}"
