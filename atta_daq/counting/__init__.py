"""Frames to atoms to rates: pure."""
