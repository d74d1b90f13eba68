"""Decides: (spec, observed, now) -> (Plan, Report). Pure, and the only place that decides."""
