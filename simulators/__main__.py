"""`python -m simulators`: the simulated rig as a process of its own."""

import sys

from simulators.process import main

if __name__ == "__main__":
    sys.exit(main())
