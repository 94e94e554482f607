"""What can be wrong with the files of a rig."""


class ConfigError(Exception):
    """A file that cannot be used: which file, which key, what is allowed."""
