"""Names of simulated rigs; imported where nothing heavy may be loaded."""

import secrets

SIMULATED = "simulated-"
"""What the name of a simulated rig begins with, where none is given."""


def made_up_name() -> str:
    """A name for a simulated rig: no two that serve at the same time share one."""
    return f"{SIMULATED}{secrets.token_hex(3)}"
