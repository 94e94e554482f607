"""What an action is: text, keys, when it is possible."""

from dataclasses import dataclass

from gui.model.state import Permission, anytime


@dataclass(frozen=True)
class ActionSpec:
    """One command of the window. Menus, buttons, keys and the palette are made from it."""

    id: str
    """`group.name`."""
    text: str
    menu: str
    """The menu it stands in."""
    keys: tuple[str, ...] = ()
    tip: str = ""
    """What it does, in a sentence, for the tool tip and the palette."""
    checkable: bool = False
    possible: Permission = anytime
