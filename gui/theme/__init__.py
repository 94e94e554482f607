"""Colours, fonts and the shapes of states."""
