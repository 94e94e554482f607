"""Every command of the window, as data."""
