"""The connection to a station."""
