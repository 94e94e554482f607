"""What every part of the window is given; nothing of it is global."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gui.actions.registry import Actions
from gui.link.station import Link
from gui.model.readings import Readings
from gui.model.state import RigState
from gui.notices import Notices
from gui.settings import Settings
from gui.theme.theme import Theme


@dataclass
class Context:
    """The window's services."""

    link: Link
    readings: Readings
    state: RigState
    actions: Actions
    theme: Theme
    settings: Settings
    notices: Notices
    services: dict[str, Any] = field(default_factory=dict)
    """Parts that other parts ask something of, by name: 'sweep', 'editor', 'presets'."""
    simulated_by: list[Callable[[], bool]] = field(default_factory=list)
    """Who knows that the rig is simulated, by having started it: the station does not know."""
    closed: bool = False
    """The window is closed; its parts may be deleted."""

    @property
    def simulated(self) -> bool:
        """Somebody knows that the rig at the other end is a simulated one."""
        return any(knows() for knows in self.simulated_by)

    def edit_scan(self, scan: str, said: str) -> None:
        """Put a scan (TOML) into the editor, show it there and say so; nothing starts."""
        editor = self.services.get("editor")
        if editor is None:
            self.notices.warn("this window has no scan editor")
            return
        editor.load(scan)
        window = self.services.get("window")
        if window is not None:
            window.show_panel("editor")
        self.notices.info(said)

    def command(
        self, name: str, *, done: Callable[[Any], None] | None = None,
        refused: Callable[[str], None] | None = None, timeout_s: float = 30.0,
        **arguments: object,
    ) -> None:  # fmt: skip
        """Command the station; a refusal becomes a toast unless `refused` takes it.

        Answers that come after the window was closed are dropped: their panels are gone.
        """

        def to(heard: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda answer: None if self.closed else heard(answer)

        self.link.command(
            name,
            done=None if done is None else to(done),
            refused=to(refused or self.notices.error),
            timeout_s=timeout_s,
            **arguments,
        )
