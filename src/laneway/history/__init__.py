"""What happened and why, in SQL."""
