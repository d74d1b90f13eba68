"""A revision's name: the hash of its pod template. Must not know what a revision is used for."""

from __future__ import annotations

import hashlib
import json

from laneway.spec.template import Template

DIGITS = 10
"""Hex digits of a revision: a collision among an app's templates is out of reach, and names stay short."""


def revision_of(template: Template) -> str:
    """The revision of a template: equal templates have equal revisions, however they were written."""
    canonical = json.dumps(template.content(), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:DIGITS]
