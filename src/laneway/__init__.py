"""Laneway: lanes by header and releases by weight on an Istio mesh."""

__version__ = "0.1.0"
