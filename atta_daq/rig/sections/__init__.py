"""The tables of the rig file, one module for each kind of instrument.

Each kind has a base with what the station needs of it, and a subclass for each driver with its
addresses.
"""
