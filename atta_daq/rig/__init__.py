"""The rig: its file, the instruments put together, Bluesky-facing devices, the interlock."""
