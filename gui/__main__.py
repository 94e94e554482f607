"""`python -m gui`: one window."""

import gc
import sys

from atta_daq.quick_start import loading

with loading():
    from gui.app import main

# What is loaded is there for good: no collection looks at it, and holds the window up.
gc.freeze()
sys.exit(main(sys.argv[1:]))
