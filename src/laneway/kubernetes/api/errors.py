"""What asking the API server can end in: a refusal with its reasons, or no answer.

Must not know what was asked, nor by whom.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_PASSING_REASONS = {"ServerTimeout", "Timeout", "TooManyRequests", "ServiceUnavailable"}


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason of several. field: as a path, `.spec.http`; reason: the API server's word for it."""

    field: str
    reason: str
    message: str


class ApiError(Exception):
    """The API server answered, and refused. retry_after: the seconds that it asks to be spared."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        retry_after: float | None = None,
        causes: tuple[Cause, ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.causes = causes

    @property
    def conflict(self) -> bool:
        """Somebody else wrote in between, owns a field, or made the object first."""
        return self.status == 409

    @property
    def managers(self) -> frozenset[str]:
        """Who owns fields that an unforced apply would have changed."""
        return frozenset(
            name
            for cause in self.causes
            if cause.reason == "FieldManagerConflict"
            for name in re.findall(r'conflict with "([^"]*)"', cause.message)
        )

    @property
    def missing(self) -> bool:
        """There is no such object, or no such kind."""
        return self.status == 404

    @property
    def gone(self) -> bool:
        """The version asked from is too old: read everything anew."""
        return self.status == 410 or self.reason in ("Expired", "Gone")

    @property
    def throttled(self) -> bool:
        """We ask too much; nothing was done."""
        return self.status == 429

    @property
    def forbidden(self) -> bool:
        """We may not; also not later, unless somebody grants it."""
        return self.status in (401, 403)

    @property
    def transient(self) -> bool:
        """The same request may well succeed later. A plain 500 is not: unknown fields are answered by it."""
        if self.status in (429, 502, 503, 504) or self.retry_after is not None:
            return True
        return self.reason in _PASSING_REASONS

    @property
    def lasting(self) -> bool:
        """It will not pass by itself: somebody has to change something."""
        return not self.transient and not self.conflict


class Unreachable(Exception):  # noqa: N818 - a state of the world more than a fault
    """The API server gave no answer; whether it did what was asked is not known."""


def api_error(status: int, content: bytes, retry_after: str | None = None) -> ApiError:
    """The error in an answer. content: a `Status` as JSON, or the text of whatever stands in front."""
    document = _document(content)
    if document.get("kind") != "Status":
        text = content.decode(errors="replace").strip()[:500]
        return ApiError(status, "", text or f"HTTP status {status}", _seconds(retry_after))
    return status_error(document, status, retry_after)


def status_error(document: Mapping[str, Any], status: int, retry_after: str | None = None) -> ApiError:
    """The error that a `Status` tells of. status: where it has no code; retry_after: the answer's header."""
    details = document.get("details") or {}
    causes = tuple(
        Cause(cause.get("field", ""), cause.get("reason", ""), cause.get("message", ""))
        for cause in details.get("causes") or ()
    )
    seconds = _seconds(retry_after)
    if seconds is None:
        seconds = details.get("retryAfterSeconds") or None
    code = document.get("code") or status
    return ApiError(code, document.get("reason", ""), document.get("message", ""), seconds, causes)


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() else None
