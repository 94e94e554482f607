"""The Qt window: a client of the station that holds no state of its own."""
