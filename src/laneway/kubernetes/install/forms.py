"""How the scalar types of the specs are said in a schema: every spelling that `spec.values` reads.

A number or a text: no type has both, so these forms have none, and rules inside a CustomResourceDefinition
cannot see such fields (`admission` holds the rules that must). A list or a mapping is refused by its size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic import BeforeValidator

from laneway.spec.failure_codes import HttpCode
from laneway.spec.protocols import AppProtocol
from laneway.spec.values import FULL, Base64, Bound, Duration, Overload, Percent, Quantity

Schema = dict[str, Any]

ANYTHING = "x-kubernetes-preserve-unknown-fields"
INT_OR_TEXT = "x-kubernetes-int-or-string"

_AMOUNT = r"([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+"
_SHARE = r" *0*(100(\.0*)?|[0-9]{1,2}(\.[0-9]{0,2}0*)?) *"
_LOAD = r" *0*(1000(\.0*)?|[1-9][0-9]{2}(\.[0-9]{0,2}0*)?) *"
_QUANTITY = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,2}|[numkMGTPE]|[KMGTPE]i)?"
TEXT_LENGTH_MAX = 64
"""Of a duration or a bound: what rules read has to be bounded."""


def _text(pattern: str) -> Schema:
    return {"type": "string", "maxLength": TEXT_LENGTH_MAX, "pattern": f"^{pattern}$"}


def _number_or_text(least: int, most: int | None, pattern: str) -> Schema:
    bounds = {"minimum": least} if most is None else {"minimum": least, "maximum": most}
    return {ANYTHING: True, **bounds, "pattern": f"^{pattern}$", "maxItems": 0, "maxProperties": 0}


def _in_any_case(annotation: Any) -> Schema:
    names = "|".join(name.replace(".", r"\.") for name in get_args(get_args(annotation)[0]))
    return {"type": "string", "pattern": f"^(?i:{names})$"}


def _reader(annotation: Any) -> Callable[..., Any]:
    """The function that reads a type's spellings: by it the type is known again."""
    found: Callable[..., Any] = next(m.func for m in get_args(annotation) if isinstance(m, BeforeValidator))
    return found


FORMS: Mapping[Callable[..., Any], Schema] = {
    _reader(Duration): _text(_AMOUNT),
    _reader(Percent): _number_or_text(0, 100, f"{_SHARE}%?"),
    _reader(Overload): _number_or_text(100, 10 * FULL // 100, f"{_LOAD}%?"),
    _reader(Bound): _text(f"({_SHARE}%|{_AMOUNT})"),
    _reader(Quantity): _number_or_text(0, None, _QUANTITY),
    _reader(AppProtocol): _in_any_case(AppProtocol),
    _reader(Base64): {"type": "string"},
    _reader(HttpCode): _number_or_text(100, 599, "[1-5]([0-9][0-9]|xx)"),
}
"""By the function that reads them. A surge is read as a percentage is."""
