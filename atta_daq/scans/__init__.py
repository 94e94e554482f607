"""Scans: `definition` says what to measure (pure), `plans` how (Bluesky)."""
