"""HorizontalPodAutoscaler's rules: from what was measured to how many pods there shall be, and why. Pure."""
