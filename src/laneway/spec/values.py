"""Scalar types of the specs: durations, percentages in basis points, quantities of resources.

Owns the textual forms. Must not know any kind.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from decimal import Decimal, DecimalException
from ipaddress import ip_address, ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

FULL = 10_000
"""All of an app's traffic, in basis points."""

HEADER_NAME = r"^[a-z0-9][-a-z0-9]*$"
"""A header's name as Istio wants it in a match: lowercase."""

HTTP_URL = r"^https?://[^/\s]+(/\S*)?$"

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_MICROSECONDS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def parse_duration(text: str) -> timedelta:
    """A duration as Kubernetes and Istio write it (`90s`, `1h30m`, `250ms`), and `d` for days.

    Raises ValueError on anything else.
    """
    position, total = 0, 0
    while match := _DURATION.match(text, position):
        total += int(Decimal(match[1]) * _MICROSECONDS[match[2]])
        position = match.end()
    if not text or position != len(text):
        raise ValueError(f"{text!r} is not a duration; write it like 90s, 2m, 1h30m or 250ms")
    try:
        return timedelta(microseconds=total)
    except OverflowError:
        raise ValueError("the duration is too long; write at most 999999999d") from None


def format_duration(value: timedelta) -> str:
    """The shortest exact text of a duration that `parse_duration` reads back."""
    rest = value // timedelta(microseconds=1)
    parts = []
    for unit in ("d", "h", "m", "s"):
        amount, rest = divmod(rest, _MICROSECONDS[unit])
        if amount:
            parts.append(f"{amount}{unit}")
    if rest:
        parts.append(f"{rest / _MICROSECONDS['ms']:.12g}ms")
    return "".join(parts) or "0s"


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError("a duration is text; write it like 90s, 2m or 1h30m")


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration, return_type=str)]


def parse_percent(value: Any, at_most: int = FULL) -> int:
    """A percentage (20, 0.5, "20", "20%") in basis points: 2000, 50. At most two decimals.

    Raises ValueError on anything else, and outside 0 to `at_most` basis points.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a percentage is a number; write it like 20 or 0.5")
    try:
        exact = Decimal(str(value).removesuffix("%")) * 100
    except DecimalException:
        raise ValueError(f"{value!r} is not a percentage; write it like 20 or 0.5") from None
    if exact != exact.to_integral_value() or not 0 <= exact <= at_most:
        raise ValueError(
            f"{value!r} is not a percentage from 0 to {at_most // 100}; write it with at most two decimals"
        )
    return int(exact)


def format_percent(basis_points: int) -> int | float:
    """Basis points as the percentage people write: a whole number where it is one."""
    whole, rest = divmod(basis_points, 100)
    return basis_points / 100 if rest else whole


def _percent_text(basis_points: int) -> str:
    return f"{format_percent(basis_points)}%"


def _overload(value: Any) -> int:
    basis_points = parse_percent(value, at_most=10 * FULL)
    if basis_points < FULL:
        raise ValueError(f"{value!r} is less than the planned load; write at least 100%")
    return basis_points


Percent = Annotated[int, BeforeValidator(parse_percent), PlainSerializer(format_percent)]
"""Read as a percentage from 0 to 100, held in basis points."""

Surge = Annotated[int, BeforeValidator(parse_percent), PlainSerializer(_percent_text, return_type=str)]
"""Read as a percentage of the app's pods (`25%`), held in basis points."""

Overload = Annotated[int, BeforeValidator(_overload), PlainSerializer(_percent_text, return_type=str)]
"""Read as a percentage from 100% to 1000%, held in basis points."""


def _bound(value: Any) -> int | timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and value.endswith("%"):
        return parse_percent(value)
    if isinstance(value, str):
        return parse_duration(value)
    raise ValueError("a bound is a share or a duration; write it like 5% or 500ms")


def format_bound(value: int | timedelta) -> str:
    """A bound as people write it: `5%` or `500ms`."""
    return _percent_text(value) if isinstance(value, int) else format_duration(value)


Bound = Annotated[int | timedelta, BeforeValidator(_bound), PlainSerializer(format_bound, return_type=str)]
"""Read as a share (`5%`, held in basis points) or as a duration (`500ms`)."""

LATENCY_EDGES_MS = (
    *(1, 2, 5, 10, 25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 600, 800),
    *(1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000, 7_500, 10_000, 15_000, 30_000, 60_000),
)
"""Latencies that are told apart where requests are counted: how many took no longer than each of these."""

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:([eE][-+]?[0-9]{1,2})|([numkMGTPE]|[KMGTPE]i))?")
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}
_SUFFIXES = _BINARY | {letter: Decimal(1000) ** power for power, letter in enumerate("num kMGTPE", start=-3)}


def parse_quantity(value: Any) -> Decimal:
    """An amount as Kubernetes writes it (`100m`, `0.5`, `2`, `128Mi`, `1e3`) in its base unit: cores, bytes.

    Raises ValueError on anything else. Source: k8s.io/apimachinery, pkg/api/resource.
    """
    if isinstance(value, Decimal):
        return value
    text = str(value)
    match = _QUANTITY.fullmatch(text)
    if isinstance(value, bool) or match is None:
        raise ValueError(f"{text!r} is not a quantity; write it like 100m, 0.5, 2 or 128Mi")
    number, exponent, suffix = match.groups()
    return Decimal(number + (exponent or "")) * _SUFFIXES.get(suffix, Decimal(1))


def format_quantity(amount: Decimal) -> str:
    """A text of an amount that `parse_quantity` reads back, the same for equal amounts."""
    for suffix, unit in reversed(_BINARY.items()):
        if amount and amount % unit == 0:
            return f"{int(amount / unit)}{suffix}"
    if amount == amount.to_integral_value():
        return str(int(amount))
    thousandths = amount * 1000
    whole = thousandths == thousandths.to_integral_value()
    return f"{int(thousandths)}m" if whole else f"{amount.normalize():f}"


Quantity = Annotated[
    Decimal, BeforeValidator(parse_quantity), PlainSerializer(format_quantity, return_type=str)
]
"""Read as a Kubernetes quantity, held in cores or bytes."""


def _ip_block(text: str) -> str:
    try:
        return str(ip_network(text)) if "/" in text else str(ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is neither an IP address nor a block of them like 10.0.0.0/8") from None


IPBlock = Annotated[str, AfterValidator(_ip_block)]
"""An IP address, or a block of them as CIDR."""


def _base64(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            pass
    raise ValueError("not base64; write `string` for a text")


def _base64_text(value: bytes) -> str:
    return base64.b64encode(value).decode()


Base64 = Annotated[bytes, BeforeValidator(_base64), PlainSerializer(_base64_text, return_type=str)]
"""Written as base64, held as bytes."""
