"""What can go wrong with stored data.

    ArchiveError
    ├── JournalDamaged     a line in the middle of a journal cannot be read
    ├── WriteFailed        the disk refused a document or frames; what stood there is whole
    ├── SchemaUnknown      written by a later version of the program
    ├── RunClosed          the run has its stop document; nothing can be added
    ├── FramesDamaged      the frames file lacks something that was acknowledged
    ├── UnknownRun         no run of that name; carries the nearest names
    └── ImportProblem      a table that cannot become a run; names file, line and column

A run that another live process writes raises `atta_daq.owner.AlreadyOwned`.

Every message is for the operator: which file, what is wrong, what to do next.
"""

from pathlib import Path


class ArchiveError(Exception):
    """Root of everything that reading or writing stored data can raise."""


class JournalDamaged(ArchiveError):
    """A journal that lost or garbled a document which had been acknowledged."""


class WriteFailed(ArchiveError):
    """What was offered is not on disk; what had been acknowledged is untouched."""


class SchemaUnknown(ArchiveError):
    """The run was written with a schema that this program does not know."""


class RunClosed(ArchiveError):
    """A document was offered to a run that has ended."""


class FramesDamaged(ArchiveError):
    """The frames file does not hold what its index promises, or cannot be opened."""


class UnknownRun(ArchiveError):
    """No run has that name. `nearest` holds the names that look most like it."""

    def __init__(self, name: str, nearest: tuple[str, ...], folder: Path) -> None:
        self.name = name
        self.nearest = nearest
        hint = f"nearest: {', '.join(nearest)}" if nearest else "the folder holds no runs"
        super().__init__(f"no run '{name}' in {folder}; {hint}")


class ImportProblem(ArchiveError):
    """A table that cannot become a run: file, line (from 1), column and what is wrong."""

    def __init__(self, path: Path, line: int, column: str, problem: str) -> None:
        self.path = path
        self.line = line
        self.column = column
        where = f"{path}, line {line}" + (f", column '{column}'" if column else "")
        super().__init__(f"{where}: {problem}")
