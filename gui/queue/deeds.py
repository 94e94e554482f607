"""What can be done with the queue: each asks the station, whose table then changes."""

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from atta_daq.client.queue import QueueLine
from gui import dialogs
from gui.confirm import Question, confirm
from gui.context import Context
from gui.editor.scan_files import KIND
from gui.queue.entry_dialog import EntryDialog
from gui.queue.model import QueueModel

ADD_TIMEOUT_S = 60.0


class QueueDeeds:
    """Commands of the queue, and the dialogs that add to it and change it."""

    def __init__(self, context: Context, model: QueueModel, parent: QWidget) -> None:
        self._context = context
        self._model = model
        self._parent = parent
        self.add_dialog = EntryDialog(
            "Add to the queue", "Add",
            lambda said: self._send(self.add_dialog, "queue_add", "is in the queue", said), parent,
        )  # fmt: skip
        self.change_dialog = EntryDialog(
            "Change an entry", "Change",
            lambda said: self._send(self.change_dialog, "queue_change", "is changed", said), parent,
        )  # fmt: skip

    def add(self) -> None:
        """The scan of the editor, as it stands."""
        if reason := self.why_not_add():
            self._context.notices.warn(f"not added: {reason}")
            return
        editor = self._context.services["editor"]
        path = editor.files.path.name if editor.files.path else "scan"
        name = editor.document.definition.name
        self._ask(f"The scan '{name}' of the scan editor", editor.document.text, path)

    def why_not_add(self) -> str:
        """Why the editor's scan cannot be added; '' when it can."""
        editor = self._context.services.get("editor")
        if editor is None:
            return "this window has no scan editor"
        document = editor.document
        if document.problems:
            return f"the scan is not valid: {document.problems[0]}"
        return "" if document.definition is not None else "the scan is not valid"

    def add_file(self) -> None:
        """A scan file, as it is on disk."""
        dialogs.choose_open(
            self._context, self._parent, "Add a scan file to the queue", KIND, self._read
        )  # fmt: skip

    def up(self, line: QueueLine) -> None:
        """Before the one that stands before it."""
        waiting = self._model.waiting
        place = waiting.index(line.entry)
        self.move(line.entry, str(waiting[place - 1]) if place else "first")

    def down(self, line: QueueLine) -> None:
        """Behind the one that stands behind it."""
        waiting = self._model.waiting
        place = waiting.index(line.entry) + 2
        self.move(line.entry, str(waiting[place]) if place < len(waiting) else "last")

    def move(self, entry: int, before: str) -> None:
        """Before another one; 'first' and 'last' are places, too."""
        self._context.command("queue_move", entry=entry, before=before)

    def change(self, line: QueueLine) -> None:
        """Times, priority, time, conditions, rule for faults; its scan stays."""
        self.change_dialog.show_line(line)
        self.change_dialog.ask(f"Entry {line.entry}: {line.name}", entry=line.entry)

    def remove(self, line: QueueLine) -> None:
        """Take it out, after a question."""

        def carry_out() -> None:
            self._context.command(
                "queue_remove", entry=line.entry,
                done=lambda _: self._say(f"entry {line.entry} ({line.name}) is out of the queue"),
            )  # fmt: skip

        question = Question(
            f"Remove entry {line.entry} ({line.name})?",
            "Its place in the queue, its times and its conditions are lost. What its runs have "
            "measured stays.",
            "Remove entry", "Keep it",
        )  # fmt: skip
        confirm(self._context, question, carry_out, self._parent)

    def go_on(self, line: QueueLine) -> None:
        """Resume the queue with an entry that had ended early."""
        self._context.command("queue_resume", entry=line.entry)

    def pause(self) -> None:
        """Start nothing more."""
        self._context.command("queue_pause")

    def resume(self) -> None:
        """Start entries again."""
        self._context.command("queue_resume")

    def clear_all(self) -> None:
        """Every entry but the one that runs, after a question."""
        waiting = len(self._model.waiting)
        entries = "1 entry that waits" if waiting == 1 else f"{waiting} entries that wait"
        question = Question(
            "Clear the queue?",
            f"{entries} will not be taken: places, times and conditions are lost, and so is the "
            "list of what has ended. An entry that runs goes on; what was measured stays.",
            "Clear the queue", "Keep it",
        )  # fmt: skip
        confirm(self._context, question, lambda: self.clear("all"), self._parent)

    def clear(self, which: str) -> None:
        """'ended' or 'all', without a question."""

        def done(answer: dict[str, list[int]]) -> None:
            many = len(answer["removed"])
            self._say(f"{many} entr{'y' if many == 1 else 'ies'} out of the queue")

        self._context.command("queue_clear", done=done, which=which)

    def edit(self, line: QueueLine) -> None:
        """Put its scan into the editor; the entry stays as it is."""

        def came(answer: dict[str, str]) -> None:
            self._context.edit_scan(
                answer["scan"],
                f"the scan of entry {line.entry} is in the editor; the entry keeps its own",
            )

        self._context.command("queue_scan", done=came, entry=line.entry)

    def _read(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self._context.notices.error(f"{path} cannot be read: {error}")
            return
        self._ask(f"The scan file {path.name}", text, path.name)

    def _ask(self, what: str, scan: str, path: str) -> None:
        """What was chosen for the last one stands, but for its time."""
        self.add_dialog.not_before.clear()
        self.add_dialog.ask(what, scan=scan, path=path)

    def _send(
        self, dialog: EntryDialog, command: str, became: str, arguments: dict[str, Any]
    ) -> None:
        """`became` ends what is said of the entry once the station has taken it."""

        def done(answer: dict[str, Any]) -> None:
            dialog.taken()
            self._say(f"entry {answer['entry']}: {answer['name']} {became}")

        self._context.command(
            command, done=done, refused=dialog.refuse, timeout_s=ADD_TIMEOUT_S, **arguments
        )

    def _say(self, text: str) -> None:
        self._context.notices.info(text)
