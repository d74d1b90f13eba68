"""Requests against conditions, and in words why they do not hold. As Envoy compares, with one difference.

Regular expressions are Python's here and RE2's in Envoy; what RE2 lacks is refused before. Must not know the
order of rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.mesh.rules import AUTHORITY, METHOD, PATH, Condition, Op, Row


@dataclass(frozen=True, slots=True)
class Request:
    """What a proxy is asked. headers: names in lower case. path: with the query, if any."""

    host: str
    port: int = 80
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def authority(self) -> str:
        """The Host header that a client sends."""
        return self.host if self.port == 80 else f"{self.host}:{self.port}"

    def value(self, subject: str) -> str | None:
        """What a condition compares; None for a header that is absent."""
        if subject == PATH:
            return self.path.partition("?")[0]
        if subject == METHOD:
            return self.method
        return self.authority if subject == AUTHORITY else self.headers.get(subject)


def misfit(row: Row, request: Request) -> str:
    """The first reason why a row does not match a request, in words; empty where it matches."""
    if row.excluded:
        return row.excluded
    for condition in row.conditions:
        value = request.value(condition.subject)
        if value is None or not _holds(condition, value):
            return _words(condition, value)
    return ""


def fit(row: Row, request: Request) -> str:
    """Why a row matches a request that it does match, in words."""
    facts = [f"{_name(condition)} is {request.value(condition.subject)!r}" for condition in row.conditions]
    return " and ".join(facts) or "the rule has no condition"


def _holds(condition: Condition, value: str) -> bool:
    wanted = condition.value
    if condition.ignore_case:
        wanted, value = wanted.lower(), value.lower()
    match condition.op:
        case Op.EXACT:
            return value == wanted
        case Op.PREFIX:
            return value.startswith(wanted)
        case Op.REGEX:
            return re.fullmatch(wanted, value, re.ASCII) is not None
        case Op.PRESENT:
            return True


_SUBJECTS = {PATH: "the path", METHOD: "the method", AUTHORITY: "the authority"}


def _name(condition: Condition) -> str:
    return _SUBJECTS.get(condition.subject, f"header {condition.subject}")


def _words(condition: Condition, value: str | None) -> str:
    found = "absent" if value is None else repr(value)
    wanted = {
        Op.EXACT: f"exactly {condition.value!r}",
        Op.PREFIX: f"the prefix {condition.value!r}",
        Op.REGEX: f"a match of {condition.value!r}",
        Op.PRESENT: "any value",
    }[condition.op]
    return f"{_name(condition)} is {found}, the rule wants {wanted}"
