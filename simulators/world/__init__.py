"""The simulated world: what atoms, light and boxes do in rig time."""
