"""Every spelling that is read is taken by the schema, and nothing else is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from laneway.kubernetes.install.forms import FORMS, Schema
from laneway.spec.protocols import AppProtocol
from laneway.spec.values import Bound, Duration, Overload, Percent, Quantity, Surge

SPELLINGS: dict[str, tuple[Any, list[object]]] = {
    "duration": (
        Duration,
        ["90s", "2m", "1h30m", "250ms", "1.5d", "3d", "0s", "1m1m", "", "s", "90", 90, "1w", "-1s", "1 m"],
    ),
    "percent": (
        Percent,
        [
            20,
            0.5,
            0,
            100,
            "20",
            "20%",
            "0.25%",
            " 20 %",
            "100",
            "100.0%",
            "7.50",
            101,
            -1,
            "101%",
            "x",
            "%",
            "0.125",
        ],
    ),
    "surge": (Surge, ["25%", 25, "12.5%", "200%", [25], {"a": 1}]),
    "overload": (Overload, ["150%", 150, "100%", 1000, "1000", "999.5%", 99, "99%", 1001, "1001%", "much"]),
    "bound": (Bound, ["5%", "0.1%", "500ms", "2s", "1m30s", 5, "5", "5 %", "fast"]),
    "quantity": (
        Quantity,
        [1, 0.5, "100m", "0.5", ".5", "2.", "128Mi", "1e3", "1E-3", "2k", -1, "-1", "1mi", "2 k", "1e123"],
    ),
    "protocol": (AppProtocol, ["http", "HTTP", "gRPC-web", "kubernetes.io/h2c", "KUBERNETES.IO/WS", "udp"]),
}
CASES = [
    pytest.param(annotation, value, id=f"{name}: {value!r}")
    for name, (annotation, values) in SPELLINGS.items()
    for value in values
]


def takes(form: Schema, value: object) -> bool:
    """Whether a schema takes a value, by what it says of each JSON type."""
    match value:
        case str():
            fits = len(value) <= form.get("maxLength", len(value))
            return fits and bool(re.search(form["pattern"], value))
        case int() | float():
            return "type" not in form and form["minimum"] <= value <= form.get("maximum", value)
        case _:
            return "type" not in form and "maxItems" not in form


def is_read(annotation: Any, value: object) -> bool:
    """Whether the type reads a value."""
    try:
        TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(("annotation", "value"), CASES)
def test_a_schema_takes_what_is_read_and_nothing_else(annotation: Any, value: object) -> None:
    """What a file may say, a cluster keeps; what Laneway could not read, the cluster refuses."""
    reader = next(each.func for each in annotation.__metadata__ if hasattr(each, "func"))
    assert takes(FORMS[reader], value) == is_read(annotation, value)
