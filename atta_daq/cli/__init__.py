"""The commands of `atta-daq`."""

from atta_daq.cli.app import main

__all__ = ["main"]
