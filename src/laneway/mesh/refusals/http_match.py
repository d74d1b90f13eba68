"""Of a match block of a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator

from laneway.mesh.refusals.common import Finding
from laneway.spec.istio import HTTPMatchRequest, StringMatch

_NOT_RE2 = re.compile(r"\(\?(=|!|<=|<!|>|\()|\\[1-9]|\(\?P=|[*+?}]\+")
"""Look-around, back-references, atomic groups, possessive quantifiers: what RE2 does not have."""


def http_match(match: HTTPMatchRequest) -> Iterator[Finding]:
    """All that is wrong with a match block."""
    fields = {"uri": match.uri, "scheme": match.scheme, "method": match.method, "authority": match.authority}
    for field, value in fields.items():
        if value is not None:
            yield from text_match(field, value, may_be_empty=False)
    for field, conditions in (("headers", match.headers), ("withoutHeaders", match.without_headers)):
        for name, value in conditions.items():
            if name.startswith((":", "@")):
                yield f"{field}.{name}", "use `uri`, `method` or `authority`; claims are not implemented"
            yield from text_match(f"{field}.{name}", value, may_be_empty=True)
    for name, value in match.query_params.items():
        yield from text_match(f"queryParams.{name}", value, may_be_empty=True)


def text_match(field: str, value: StringMatch, may_be_empty: bool) -> Iterator[Finding]:
    """All that is wrong with a condition on a text. may_be_empty: `{}` has a meaning."""
    given = [part for part in (value.exact, value.prefix, value.regex) if part is not None]
    if len(given) > 1 or not (given or may_be_empty):
        yield field, "give one of `exact`, `prefix` and `regex`"
    if value.prefix == "" or value.regex == "":
        yield field, "an empty prefix or regex matches everything; leave the condition out"
    if value.regex:
        yield from regex(f"{field}.regex", value.regex)


def regex(field: str, pattern: str) -> Iterator[Finding]:
    """All that is wrong with a regular expression."""
    if _NOT_RE2.search(pattern):
        yield field, "RE2 has no look-around, back-references or possessive quantifiers"
        return
    try:
        re.compile(pattern)
    except re.error as problem:
        yield field, f"is not a regular expression: {problem}"
