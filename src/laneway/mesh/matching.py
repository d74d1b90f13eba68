"""Requests against conditions, and in words why they do not hold. As Envoy compares, with one difference.

Regular expressions are Python's here and RE2's in Envoy; what RE2 lacks is refused before. Must not know the
order of rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.mesh.conditions import AUTHORITY, METHOD, PARAMETER, PATH, SCHEME, Condition, Op
from laneway.mesh.rules import Row


@dataclass(frozen=True, slots=True)
class Request:
    """What a proxy is asked. headers: names in lower case. path: with the query, if any."""

    host: str
    port: int = 80
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    scheme: str = "http"

    @property
    def authority(self) -> str:
        """The Host header that a client sends."""
        return self.host if self.port == 80 else f"{self.host}:{self.port}"

    def value(self, subject: str) -> str | None:
        """What a condition compares; None for a header or query parameter that is absent."""
        if subject.startswith(PARAMETER):
            return self._parameter(subject.removeprefix(PARAMETER))
        pseudo = {
            PATH: self.path.partition("?")[0],
            METHOD: self.method,
            AUTHORITY: self.authority,
            SCHEME: self.scheme,
        }
        return pseudo[subject] if subject in pseudo else self.headers.get(subject)

    def _parameter(self, name: str) -> str | None:
        """The first value of a query parameter, as it is written: Envoy decodes nothing here."""
        pairs = (part.partition("=") for part in self.path.partition("?")[2].split("&"))
        return next((value for found, _, value in pairs if found == name), None)


def misfit(row: Row, request: Request) -> str:
    """The first reason why a row does not match a request, in words; empty where it matches."""
    if row.excluded:
        return row.excluded
    for condition in row.conditions:
        value = request.value(condition.subject)
        if not _holds(condition, value):
            return _words(condition, value)
    return ""


def fit(row: Row, request: Request) -> str:
    """Why a row matches a request that it does match, in words."""
    facts = [
        f"{_name(condition)} is {_shown(request.value(condition.subject))}" for condition in row.conditions
    ]
    return " and ".join(facts) or "the rule has no condition"


def _holds(condition: Condition, value: str | None) -> bool:
    if condition.inverted:
        absent = None if condition.op is Op.PRESENT else ""
        return not _compares(condition, absent if value is None else value)
    return _compares(condition, value)


def _compares(condition: Condition, value: str | None) -> bool:
    if value is None:
        return False
    if condition.ignore_case:
        return compares(condition.op, condition.value.lower(), value.lower())
    return compares(condition.op, condition.value, value)


def compares(op: Op, wanted: str, value: str) -> bool:
    """Whether a text is as wanted."""
    match op:
        case Op.EXACT:
            return value == wanted
        case Op.PREFIX:
            return value.startswith(wanted)
        case Op.REGEX:
            return re.fullmatch(wanted, value, re.ASCII) is not None
        case Op.PRESENT:
            return True


_SUBJECTS = {PATH: "the path", METHOD: "the method", AUTHORITY: "the authority", SCHEME: "the scheme"}


def _name(condition: Condition) -> str:
    if condition.parameter:
        return f"query parameter {condition.parameter}"
    return _SUBJECTS.get(condition.subject, f"header {condition.subject}")


def _shown(value: str | None) -> str:
    return "absent" if value is None else repr(value)


def _words(condition: Condition, value: str | None) -> str:
    wanted = {
        Op.EXACT: f"exactly {condition.value!r}",
        Op.PREFIX: f"the prefix {condition.value!r}",
        Op.REGEX: f"a match of {condition.value!r}",
        Op.PRESENT: "any value",
    }[condition.op]
    verb = "does not want" if condition.inverted else "wants"
    return f"{_name(condition)} is {_shown(value)}, the rule {verb} {wanted}"
