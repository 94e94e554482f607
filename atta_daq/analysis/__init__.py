"""Rates to normalised ratios to fits: pure functions of records, no I/O."""
