"""The sweep view: rate against what is swept, with fit, residuals, components and theory.

records     what a run has told, live or from the archive: the same type for both
model       records to the arrays that are drawn; pure
words       parameters, goodness and points in the operator's words; pure
components  hyperfine components and their labels
plot        the picture: heading, components, points with fit, residuals
items       series of points, curves and bars that the picture is drawn with
crosshair   position, nearest point
summary     results of the fit and the time to a wanted error
chooser     which part, quantity and axis
export      PNG, SVG, CSV
view        puts it together and is what other parts of the window ask
"""
