"""Why a station cannot start."""


class RigUnreachable(Exception):
    """An instrument did not answer when the station opened the rig."""


class PortTaken(Exception):
    """The station cannot serve where the rig file wants it."""
