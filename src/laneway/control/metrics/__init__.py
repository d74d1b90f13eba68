"""Metrics of one's own: their sources are asked about both versions of a release, on every engine alike.

Must not know what becomes of what they say.
"""
