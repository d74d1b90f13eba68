"""What is measured, and what is scaled by it."""
