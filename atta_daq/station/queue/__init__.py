"""The queue of the night: what is measured next, and what became of it."""
