"""Starts a station on the simulated rig for this window, and ends it with the window."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path
from PySide6.QtCore import QObject, QProcess

from gui.context import Context
from gui.link.station import LinkState

LOG_FILE = "simulated-rig.log"
LAST_LINES = 6
END_MS = 15_000
"""A station makes its rig safe before it ends; after that time it is killed."""


def station_command(speed: float = 1.0) -> list[str]:
    """The station on the simulated rig; it ends by itself when this process dies."""
    return [
        sys.executable, "-m", "atta_daq", "station", "--simulate", "--speed", f"{speed:g}",
        "--parent-pid", str(os.getpid()),
    ]  # fmt: skip


def log_path() -> Path:
    """Where the output goes: the user's cache folder, else the temporary one."""
    folder = user_cache_path("atta-daq")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir())
    return folder / LOG_FILE


class SimulatedRig(QObject):
    """The station that this window has started, if it has. Binds `rig.simulate`."""

    def __init__(
        self,
        context: Context,
        parent: QObject,
        command: Sequence[str] | None = None,
        log: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._command = list(command or station_command())
        self._ending = False
        self.log = log or log_path()
        self.process = QProcess(self)
        self.process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        self.process.finished.connect(self._on_end)
        self.process.errorOccurred.connect(self._on_error)
        context.actions.bind("rig.simulate", self.start)
        context.simulated_by.append(self._serves)
        context.link.state_changed.connect(self._on_link)

    @property
    def running(self) -> bool:
        """The process runs, or is about to."""
        return self.process.state() is not QProcess.ProcessState.NotRunning

    def start(self) -> None:
        """Start it; the link finds it by itself."""
        notices = self._context.notices
        if self.running:
            notices.info("The simulated rig runs already")
            return
        self._context.link.welcome_any()
        self.process.setStandardOutputFile(str(self.log))
        self.process.start(self._command[0], self._command[1:])
        notices.info("The simulated rig starts; it needs some seconds")

    def close(self) -> None:
        """End it: ask, wait, kill. Called when the window closes."""
        if not self.running:
            return
        self._ending = True
        self.process.terminate()
        if not self.process.waitForFinished(END_MS):
            self.process.kill()
            self.process.waitForFinished(END_MS)

    def _serves(self) -> bool:
        """The station that the window is attached to is the one started here."""
        endpoint = self._context.link.endpoint
        return self.running and endpoint is not None and endpoint.pid == self.process.processId()

    def _on_link(self) -> None:
        if self._context.link.state is LinkState.CONNECTED:
            self._context.state.ours = self._serves()

    def _on_end(self, code: int, status: QProcess.ExitStatus) -> None:
        if self._ending:
            return
        if status is QProcess.ExitStatus.CrashExit:
            how = "died"
        elif code:
            how = f"ended with code {code}"
        else:
            self._context.notices.info("The simulated rig has ended")
            return
        self._context.notices.error(f"The simulated rig {how}. {self._last_words()}")

    def _on_error(self, error: QProcess.ProcessError) -> None:
        # A crash comes through `finished` too.
        if error is QProcess.ProcessError.FailedToStart:
            self._context.notices.error(
                f"The simulated rig cannot be started: {self.process.errorString()}"
            )

    def _last_words(self) -> str:
        """The end of its output, and where all of it is."""
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError as error:
            return f"Its output cannot be read: {error}"
        words = "\n".join(lines[-LAST_LINES:]) or "It said nothing."
        return f"{words}\nAll of its output: {self.log}"
