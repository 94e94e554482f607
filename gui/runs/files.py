"""Reports and exports, written beside the window's thread."""

import base64
import binascii
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

Opener = Callable[[Path], bool]


def open_on_desktop(path: Path) -> bool:
    """Show a file with the program that the desktop has for it; False when there is none."""
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


class RunFiles(QObject):
    """Writes files; a NeXus file may be large, and the window must not wait for the disk."""

    _told = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._told.connect(lambda tell: tell())

    def export(
        self, folder: Path, files: dict[str, str], done: Callable[[str], None],
        failed: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Write files (base64) into a folder; none that exists is replaced."""

        def work() -> None:
            taken = [name for name in files if (folder / Path(name).name).exists()]
            if taken:
                raise FileExistsError(
                    f"{folder} has {', '.join(taken)} already: choose another folder"
                )
            for name, text in files.items():
                (folder / Path(name).name).write_bytes(base64.b64decode(text, validate=True))

        self._start(work, f"{', '.join(files)} written to {folder}", done, failed)

    def report(
        self, path: Path, html: str, done: Callable[[str], None], failed: Callable[[str], None]
    ) -> None:
        """Write a report, over an older one of the same run; `done` gets its path."""

        def work() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(html, encoding="utf-8")

        self._start(work, str(path), done, failed)

    def _start(
        self, work: Callable[[], None], answer: str, done: Callable[[str], None],
        failed: Callable[[str], None],
    ) -> None:  # fmt: skip
        def carry_out() -> None:
            try:
                work()
            except (OSError, binascii.Error) as error:
                tell = partial(failed, f"not written: {error}")
            else:
                tell = partial(done, answer)
            self._told.emit(tell)

        threading.Thread(target=carry_out, name="run-files", daemon=True).start()
