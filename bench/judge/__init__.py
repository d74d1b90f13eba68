"""The judge beside fixed thresholds and a rank test, on simulated traffic of known truth."""
