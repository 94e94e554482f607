"""What can go wrong between a client and the station."""


class CommandRefused(Exception):
    """The station refused a command; the text says why and what to do."""


class StationSilent(Exception):
    """No station answers at the address."""


class GivenUp(StationSilent):
    """The connection was closed under a command: whether it was carried out is not known."""
