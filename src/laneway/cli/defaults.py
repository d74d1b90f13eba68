"""Stored objects as people are shown them: complete, with the defaults of everything that was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from laneway.control.status import Json


def shown(obj: Json) -> Json:
    """An object with its defaults; one of a kind that people do not write as it is stored."""
    from laneway.spec.defaults import with_defaults, without_server_fields
    from laneway.spec.load import KINDS, parse

    if obj["kind"] not in KINDS:
        return obj
    whole = with_defaults(parse(without_server_fields(obj)))
    whole["metadata"] |= obj["metadata"]
    return whole | {field: obj[field] for field in ("status",) if field in obj}
