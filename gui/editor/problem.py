"""What is wrong with a scan, and where."""

from dataclasses import dataclass

Place = tuple[str | int, ...]
"""Where in a scan file, in the file's words: ('part', 0, 'axis', 0, 'start')."""


@dataclass(frozen=True)
class Problem:
    """One wrong key."""

    place: Place
    """Empty for the whole file."""
    text: str

    @property
    def short(self) -> str:
        """What is wrong and what is allowed, without what the key means."""
        said, give, takes = self.text.partition("; give ")
        return f"{said}{give}{takes.partition(' (')[0]}"

    def __str__(self) -> str:
        """'part 1, axis 1, start: ...', counted from 1 as an operator counts."""
        if not self.place:
            return self.text
        words: list[str] = []
        for item in self.place:
            if isinstance(item, int) and words:
                words[-1] += f" {item + 1}"
            else:
                words.append(str(item))
        return f"{', '.join(words)}: {self.text}"


def names_only(place: Place) -> tuple[str, ...]:
    """A place without its numbers: the same key of any part."""
    return tuple(item for item in place if isinstance(item, str))
