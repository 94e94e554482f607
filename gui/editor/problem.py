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
