"""Krypton, hyperfine structure, optical pumping, spectra: pure functions of numbers."""
