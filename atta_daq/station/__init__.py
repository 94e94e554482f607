"""The station: owns the rig, runs scans, serves process variables, outlives every window."""
