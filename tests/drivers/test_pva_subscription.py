"""A subscription that is closed while updates pour in does not stop the process.

Without the guard `pva_hammer.py bare` stands still within a few hundred times, and nothing in its
process moves any more: that is why it has one of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

HAMMER = Path(__file__).parents[1] / "pva_hammer.py"


def test_closing_while_updates_pour_in() -> None:
    done = subprocess.run(
        [sys.executable, str(HAMMER), "guarded"],
        capture_output=True, text=True, timeout=50, check=False,
        env={**os.environ, "PYTHONPATH": str(HAMMER.parents[1])},
    )  # fmt: skip
    assert done.stdout.strip() == "done", done.stderr
