"""`python -m atta_daq`: the same as the command `atta-daq`."""

from atta_daq.cli import main

if __name__ == "__main__":
    main()
