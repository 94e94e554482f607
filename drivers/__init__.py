"""What an instrument of the rig can do, and the real instruments.

`drivers.interfaces` holds one Protocol for each kind of instrument, `drivers.errors` the one
exception tree; every other module talks to one kind of box. This package knows nothing of the
application that uses it.
"""
