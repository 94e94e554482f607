"""Which segments of a run belong to which part of its scan."""

import math
from collections.abc import Sequence

from atta_daq.analysis.records import Segment, SegmentKind
from atta_daq.scans.definition import Part, ScanDefinition


def number_of_points(part: Part) -> int:
    """Points of a part: the product of its axes; 1 without axes."""
    return math.prod(len(axis.grid()) for axis in part.axes)


def part_name(definition: ScanDefinition, number: int) -> str:
    """'85Kr', or '85Kr-2' when the scan has several parts on the isotope; names its fit too."""
    isotopes = [part.isotope for part in definition.parts]
    isotope = isotopes[number]
    if isotopes.count(isotope) == 1:
        return f"{isotope}Kr"
    return f"{isotope}Kr-{isotopes[: number + 1].count(isotope)}"


def segments_of(
    definition: ScanDefinition, number: int, segments: Sequence[Segment]
) -> list[Segment]:
    """Segments of one part, with the brackets, blanks and references that serve all.

    Points are numbered through the parts of a scan, so a point names its part.
    """
    counts = [number_of_points(part) for part in definition.parts]
    first = sum(counts[:number])
    isotope = definition.parts[number].isotope
    alone = [part.isotope for part in definition.parts].count(isotope) == 1

    def mine(segment: Segment) -> bool:
        if segment.bracket or segment.isotope == 0:
            return True
        if segment.kind is SegmentKind.CHECK_83:
            return False
        if segment.isotope != isotope:
            return False
        return alone or segment.point is None or first <= segment.point < first + counts[number]

    return [segment for segment in segments if mine(segment)]
