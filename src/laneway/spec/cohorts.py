"""Who sees an App's new version besides its weight: `release.preview` and `release.sticky`.

Must not know where a release stands.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from laneway.spec.meta import Model
from laneway.spec.values import HEADER_NAME, Duration

COHORT_HEADER = "x-laneway-cohort"
"""The side of a release of several Apps that a request was drawn to: services pass it on."""

COOKIE_NAME = r"^[A-Za-z0-9][-A-Za-z0-9_]*$"
"""Narrower than RFC 6265's token: it stands in a regular expression as it is."""


class Preview(Model):
    """A header by which testers choose a version before it has any weight.

    Its values: `candidate` (or the new revision), and `stable` (or the stable revision).
    """

    header: str = Field(pattern=HEADER_NAME)


class Sticky(Model):
    """A cookie that keeps a browser with the version that was drawn for it first, at the App's gateways."""

    cookie: str = Field(pattern=COOKIE_NAME)
    ttl: Duration = timedelta(hours=1)
