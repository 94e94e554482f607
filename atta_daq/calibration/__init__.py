"""Dated calibrations of the rig: values with error, date and validity, and how to measure them."""
