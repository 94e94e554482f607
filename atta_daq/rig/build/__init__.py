"""From a table of the rig file to a driver, one module for each kind. Nothing is connected."""
