"""A match of a user's rule, ANDed with the lane header. Must not know lanes, nor where a rule leads."""

from __future__ import annotations

import re

from laneway.manifests.workloads import Manifest


def narrowed(match: Manifest, header: str, value: str | None) -> Manifest | None:
    """The match for requests that also have this value of the header, or any; None where no request has both.

    A match has one condition for each header: one of the user's on the lane header itself must not be lost,
    or the rule of one lane would take the requests of another.
    """
    headers: dict[str, Manifest] = match.get("headers", {})
    own = next((name for name in headers if name.lower() == header), None)
    if own is not None and value is None:
        return match
    if own is not None and value is not None and not _holds(headers[own], value):
        return None
    others = {name: condition for name, condition in headers.items() if name != own}
    condition = {} if value is None else {"exact": value}
    return match | {"headers": {header: condition, **others}}


def _holds(condition: Manifest, value: str) -> bool:
    """Istio's StringMatch: exact, prefix, or a regular expression of the whole; without any: present.

    An expression that only RE2 reads does not hold: its requests stay with the user's own rule.
    """
    match condition:
        case {"exact": str(exact)}:
            return value == exact
        case {"prefix": str(prefix)}:
            return value.startswith(prefix)
        case {"regex": str(regex)}:
            return _matches(regex, value)
        case _:
            return True


def _matches(regex: str, value: str) -> bool:
    try:
        return re.fullmatch(regex, value) is not None
    except re.error:
        return False
