"""The simulated rig: one world, and a server for each instrument that speaks its wire protocol.

Shares nothing with `drivers` but the protocols. `simulators.world` holds the physics advanced in
rig time, `simulators.servers` the bytes; `simulators.process` puts them together.
"""
