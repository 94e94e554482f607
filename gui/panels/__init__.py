"""One panel a file: amplifier, sidebands, lock, reference cell, camera, trap, ..."""
