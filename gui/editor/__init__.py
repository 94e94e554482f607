"""The scan editor."""
