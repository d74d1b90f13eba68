"""The conditions of a match block, one by one, in Istio's order.

Must not know Envoy, nor where and by whom rules are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import itemgetter

from laneway.spec.istio import HTTPMatchRequest, StringMatch

PATH, METHOD, AUTHORITY, SCHEME = ":path", ":method", ":authority", ":scheme"
PARAMETER = "?"
"""What precedes the name of a query parameter where it is a condition's subject."""


class Op(StrEnum):
    """How a value is compared."""

    EXACT = "exact"
    PREFIX = "prefix"
    REGEX = "regex"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that a request must have; or must not have, where it is inverted.

    subject: PATH, METHOD, AUTHORITY, SCHEME, PARAMETER and a name, or a header in lower case. An inverted
    comparison takes an absent header for an empty one.
    """

    subject: str
    op: Op
    value: str = ""
    ignore_case: bool = False
    inverted: bool = False

    @property
    def always(self) -> bool:
        """It holds for every request."""
        return self.subject == PATH and (self.op, self.value) in {(Op.PREFIX, "/"), (Op.REGEX, ".*")}

    @property
    def names_header(self) -> bool:
        """It is about a header that a client writes."""
        return not self.subject.startswith((":", PARAMETER))

    @property
    def parameter(self) -> str:
        """The query parameter that is compared; empty where it is something else."""
        return self.subject.removeprefix(PARAMETER) if self.subject.startswith(PARAMETER) else ""


def conditions_of(match: HTTPMatchRequest) -> tuple[Condition, ...]:
    """The conditions in Istio's order: path, headers by name, pseudo-headers, query parameters by name."""
    conditions = []
    if match.uri is not None:
        conditions.append(_condition(PATH, match.uri, match.ignore_uri_case))
    conditions += _headers(match)
    pseudo = ((METHOD, match.method), (AUTHORITY, match.authority), (SCHEME, match.scheme))
    conditions += [_condition(subject, value) for subject, value in pseudo if value is not None]
    for name in sorted(match.query_params):
        conditions.append(_condition(PARAMETER + name, match.query_params[name]))
    return tuple(conditions)


def _headers(match: HTTPMatchRequest) -> Iterator[Condition]:
    given = [(name, value, False) for name, value in match.headers.items()]
    given += [(name, value, True) for name, value in match.without_headers.items()]
    for name, value, inverted in sorted(given, key=itemgetter(0)):
        yield replace(_condition(name.lower(), value), inverted=inverted)


def _condition(subject: str, match: StringMatch, ignore_case: bool = False) -> Condition:
    op, value = op_of(match)
    return Condition(subject, op, value, ignore_case and op is not Op.REGEX)


def op_of(match: StringMatch) -> tuple[Op, str]:
    """How a text is compared, and with what."""
    if match.exact is not None:
        return Op.EXACT, match.exact
    if match.prefix is not None:
        return Op.PREFIX, match.prefix
    return (Op.REGEX, match.regex) if match.regex is not None else (Op.PRESENT, "")
