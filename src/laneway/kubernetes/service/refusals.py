"""What an API server refuses, as problems with a place: field paths as it writes them, and as YAML has them.

Pure. Must not know what was asked.
"""

from __future__ import annotations

import re
from typing import Any

from laneway.control.status import Problem
from laneway.kubernetes.api.errors import ApiError, Cause
from laneway.spec.meta import key_of
from laneway.spec.problems import Code
from laneway.spec.yaml import Path

Json = dict[str, Any]

CONFLICT = "FieldManagerConflict"
OURS = "laneway-cli"
"""By whom a command writes; what it has written itself it may write anew."""
_STEP = re.compile(r"\[(\d+)\]|\[(\w+)=\"([^\"]*)\"[^\]]*\]|\[([^\]]+)\]|\.?([^.\[\]]+)")
_IN_TEXT = re.compile(r"(\.spec\.[^\s:]+): .+$")
_OWNER = re.compile(r'conflict with "([^"]*)"')


def problems_of(body: Json, error: ApiError) -> list[Problem]:
    """What is wrong with an object, by the API server's answer."""
    causes = error.causes or (_cause(error),)
    return [
        _problem(body, cause, error) for cause in causes if f'conflict with "{OURS}"' not in cause.message
    ]


def _cause(error: ApiError) -> Cause:
    """The reason of an error that names its field in its text alone."""
    found = _IN_TEXT.search(error.message)
    return Cause(found[1] if found else "", error.reason, found[0] if found else error.message)


def problem(body: Json, code: Code, text: str, remedy: str | None = None, field: str = "") -> Problem:
    """One thing that is wrong with an object. field: as a path."""
    name = f"{body['kind']} {key_of(body)}"
    return Problem(
        code=code.id,
        severity="error",
        text=text,
        remedy=remedy or code.remedy,
        file=name,
        line=0,
        column=0,
        field=field,
    )


def _problem(body: Json, cause: Cause, error: ApiError) -> Problem:
    field = cause.field.lstrip(".")
    if cause.reason == CONFLICT:
        owner = _OWNER.search(cause.message)
        text = f"{field} belongs to {owner.group(1) if owner else 'another writer'}"
        return problem(body, Code.OWNED, text, field=field)
    if error.forbidden and not error.causes:
        return problem(body, Code.NOT_ALLOWED, cause.message)
    text = f"{field}: {cause.message}" if field and field not in cause.message else cause.message
    return problem(body, Code.CLUSTER_REFUSED, text, field=field)


def path_of(field: str, body: Json) -> Path:
    """A field as the API server writes it (`spec.containers[name="app"].image`), as a path in the object."""
    path: list[str | int] = []
    value: Any = body
    for match in _STEP.finditer(field):
        index, by, name, key, word = match.groups()
        step: str | int | None
        if index is not None:
            step = int(index)
        elif by is not None:
            step = _index_of(value, by, name)
        else:
            step = key if key is not None else word
        if step is None:
            break
        path.append(step)
        value = _below(value, step)
    return tuple(path)


def _index_of(value: Any, by: str, name: str) -> int | None:
    if not isinstance(value, list):
        return None
    return next(
        (at for at, each in enumerate(value) if isinstance(each, dict) and str(each.get(by)) == name), None
    )


def _below(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(str(step))
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None
