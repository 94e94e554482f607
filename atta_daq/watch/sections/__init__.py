"""The parts of the page: each a function of a few readings, ready to be drawn.

What they return is JSON: texts with their units, a tone for each line, columns of numbers for the
plots. The page computes nothing of its own.
"""
