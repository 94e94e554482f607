"""Runs an Atom Trap Trace Analysis rig for krypton with 819-nm optical pumping."""

from importlib.metadata import version

__version__ = version("atta-daq")
