"""One wire-level server for each instrument of the simulated rig."""
