"""Changes of headers as Envoy writes them, and as a walk applies them to a request.

Must not know rules, nor what else a route does. Source of the order: Istio's route translation, and Envoy's
HeaderParser: what is removed goes first, then each option in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laneway.mesh.protos import message
from laneway.mesh.rules import is_host_header
from laneway.spec.istio import HeaderOperations, Headers


def change_headers(value: Any, headers: Headers | None) -> None:
    """Append the changes to a message with `request_headers_to_add` and its like."""
    if headers is None:
        return
    if headers.request is not None:
        value.request_headers_to_add.extend(_additions(headers.request))
        value.request_headers_to_remove.extend(headers.request.remove)
    if headers.response is not None:
        value.response_headers_to_add.extend(_additions(headers.response))
        value.response_headers_to_remove.extend(headers.response.remove)


def _additions(operations: HeaderOperations) -> list[Any]:
    """What is set, then what is added, each by name."""
    option = message("envoy.config.core.v3.HeaderValueOption")
    overwrite, append = option.OVERWRITE_IF_EXISTS_OR_ADD, option.APPEND_IF_EXISTS_OR_ADD
    pairs = [(overwrite, pair) for pair in sorted(operations.set.items())]
    pairs += [(append, pair) for pair in sorted(operations.add.items())]
    return [
        option(header={"key": name, "value": value}, append_action=action)
        for action, (name, value) in pairs
        if not is_host_header(name)
    ]


def changed(headers: Mapping[str, str], changes: HeaderOperations | None) -> dict[str, str]:
    """Headers (names in lower case) after the changes: removed, set, added."""
    result = dict(headers)
    if changes is None:
        return result
    for name in changes.remove:
        result.pop(name.lower(), None)
    result |= {name.lower(): value for name, value in changes.set.items() if not is_host_header(name)}
    for name, value in changes.add.items():
        lower = name.lower()
        if not is_host_header(name):
            result[lower] = f"{result[lower]},{value}" if lower in result else value
    return result
