"""Stored objects as people are shown them: complete, with the defaults of everything that was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from laneway.control.status import Json


def shown(obj: Json) -> Json:
    """An object with its defaults; as it is stored, where people do not write its kind, or a cluster has it.

    A cluster has fields that no model here knows, and puts its own defaults into what it stores.
    """
    from pydantic import ValidationError

    from laneway.spec.defaults import with_defaults, without_server_fields
    from laneway.spec.load import KINDS, parse

    if obj["kind"] not in KINDS:
        return obj
    try:
        whole = with_defaults(parse(without_server_fields(obj)))
    except ValidationError:
        return obj
    whole["metadata"] |= obj["metadata"]
    return whole | {field: obj[field] for field in ("status",) if field in obj}
