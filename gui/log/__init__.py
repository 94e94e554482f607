"""Log, alarms, notes and toasts."""
