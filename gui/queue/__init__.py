"""The queue of the night, as the window shows and edits it."""
