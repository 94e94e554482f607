"""Small parts that the panels share."""
