"""The software lock of a scanning transfer cavity: peaks, ratio, loops, loss tests. No I/O."""
