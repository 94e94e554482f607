"""Krypton data, hyperfine structure, optical pumping and spectra: pure functions of numbers."""
