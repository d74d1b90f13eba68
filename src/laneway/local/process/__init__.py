"""Processes: started, found again after a restart, entered and ended."""
