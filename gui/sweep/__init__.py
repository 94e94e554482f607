"""The sweep: points, fit, residuals, components, against detuning, power or sidebands."""
