"""`laneway demo`: a health shop, a lane, a release and an abort, under load, in a state of its own.

Owns the story, its measurements and its expectations. It uses what every
user has: the commands, the control API, requests.
"""

from laneway.cli.demo.story import tell

__all__ = ["tell"]
