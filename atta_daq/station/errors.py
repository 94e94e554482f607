"""Why a station cannot start, and refusals that a program has to tell from others."""

from atta_daq.client.errors import CommandRefused


class RigUnreachable(Exception):
    """An instrument did not answer when the station opened the rig."""


class CannotServe(Exception):
    """The station cannot serve where the rig file wants it."""


class RigBusy(CommandRefused):
    """Something else moves the rig: the same command may be carried out later."""


class NothingMissing(CommandRefused):
    """The run that is to be resumed holds all of its blocks."""
