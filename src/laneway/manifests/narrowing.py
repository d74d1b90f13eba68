"""A match of a user's rule, ANDed with a condition on a header. Must not know where a rule leads."""

from __future__ import annotations

import re

from laneway.manifests.workloads import Manifest


def narrowed(match: Manifest, header: str, condition: Manifest) -> Manifest | None:
    """The match for requests whose header also meets a condition; None where none is known to meet both.

    condition: Istio's StringMatch; `{}`: the header is present. A match has one condition for each header:
    one of the user's on the same header must not be lost, or the rule of one lane would take the requests of
    another.
    """
    if _excluded(match, header, condition):
        return None
    headers: dict[str, Manifest] = match.get("headers", {})
    own = next((name for name in headers if name.lower() == header), None)
    if own is not None and not condition:
        return match
    if own is not None and not ("exact" in condition and _holds(headers[own], condition["exact"])):
        return None
    others = {name: each for name, each in headers.items() if name != own}
    return match | {"headers": {header: condition, **others}}


def _excluded(match: Manifest, header: str, condition: Manifest) -> bool:
    """Whether the match is for none of these requests: for those without the header, or without the value."""
    without = [each for name, each in match.get("withoutHeaders", {}).items() if name.lower() == header]
    if "exact" in condition:
        return any(_holds(each, condition["exact"]) for each in without)
    return {} in without


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
