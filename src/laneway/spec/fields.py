"""The fields of one object: a JSON value to its model, or all that is wrong with it, in a person's words.

Owns what becomes of refused, inert and unknown fields, and the translation of pydantic's errors. Must not
know where a value was written, nor what one object means to another.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from laneway.spec.cohorts import COOKIE_NAME
from laneway.spec.istio.sidecar import HOST_IMPORT
from laneway.spec.lane import LANE_VALUE
from laneway.spec.meta import DNS_LABEL, DNS_SUBDOMAIN, Model
from laneway.spec.problems import Code
from laneway.spec.values import HEADER_NAME, HTTP_URL
from laneway.spec.yaml import Path

M = TypeVar("M", bound=Model)


class Flaw(NamedTuple):
    """Something wrong at a path. remedy: None for the catalogue's."""

    code: Code
    path: Path
    text: str
    remedy: str | None = None


def read_fields(model: type[M], value: Mapping[str, Any]) -> tuple[M | None, list[Flaw]]:
    """The model, None where its fields are wrong, and all flaws.

    Types are strict, as in JSON: a number is not text, and "yes" is not true. A null counts as a field left
    out, as in Kubernetes.
    """
    flaws: list[Flaw] = []
    known = _known_fields(model, value, (), flaws)
    try:
        return model.model_validate_json(json.dumps(known), strict=True), flaws
    except ValidationError as errors:
        found = _flaws(errors.errors(include_url=False), known, model.confidential)
        return None, flaws + _without_consequences(found, flaws)


def close_to(name: str, names: Iterable[str]) -> str | None:
    """The one of the names that was probably meant."""
    by_lower = {known.lower(): known for known in names}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def path_text(path: Path) -> str:
    """A path as people write it: spec.http[0].timeout."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


class _Field(NamedTuple):
    """What stands below a field. keyed: in a mapping whose keys are the user's own."""

    model: type[Model] | None
    keyed: bool


@cache
def _fields(model: type[Model]) -> Mapping[str, _Field]:
    return {
        field.alias or name: _Field(_model_in(field.annotation), _is_keyed(field.annotation))
        for name, field in model.model_fields.items()
    }


def _model_in(annotation: Any) -> type[Model] | None:
    if isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, Model):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _is_keyed(annotation: Any) -> bool:
    return get_origin(annotation) is dict or any(map(_is_keyed, get_args(annotation)))


def _known_fields(
    model: type[Model], value: Mapping[str, Any], path: Path, flaws: list[Flaw]
) -> dict[str, Any]:
    """The value with the fields of the model alone, at every depth; a flaw for each of the others."""
    fields = _fields(model)
    known: dict[str, Any] = {}
    for key, item in value.items():
        if key in fields:
            if item is not None:
                flaws += _refused_values(model.refused_values.get(key, {}), (*path, key), item)
                known[key] = _known_item(fields[key], item, (*path, key), flaws)
        elif (key in model.unsupported or key in model.inert) and item in (None, {}, []):
            continue  # `status: {}` and the like are what tools print for nothing
        else:
            flaws.append(_stray(model, (*path, key), key))
    return known


def _known_item(field: _Field, item: Any, path: Path, flaws: list[Flaw]) -> Any:
    if field.model is None:
        return item
    if isinstance(item, list):
        return [_known_item(field, each, (*path, index), flaws) for index, each in enumerate(item)]
    if not isinstance(item, dict):
        return item
    if not field.keyed:
        return _known_fields(field.model, item, path, flaws)
    below = _Field(field.model, keyed=False)
    return {
        key: _known_item(below, {} if each is None else each, (*path, key), flaws)
        for key, each in item.items()
    }


def _stray(model: type[Model], path: Path, key: str) -> Flaw:
    written = path_text(path)
    if key in model.unsupported:
        text = f"{written} is not supported by Laneway, and refused rather than ignored"
        return Flaw(Code.REFUSED_FIELD, path, text, model.unsupported[key])
    if key in model.inert:
        return Flaw(Code.INERT_FIELD, path, f"{written} has no effect here and is dropped")
    meant = close_to(key, _fields(model))
    remedy = _did_you_mean((meant,)) if meant else f"the fields here are {', '.join(sorted(_fields(model)))}"
    return Flaw(Code.UNKNOWN_FIELD, path, f"unknown field {written}", remedy)


def _refused_values(refused: Mapping[str, str], path: Path, item: Any) -> Iterator[Flaw]:
    """A flaw for each genuine value that is not taken, in the field or in its list."""
    if isinstance(item, list):
        for index, each in enumerate(item):
            yield from _refused_values(refused, (*path, index), each)
    elif isinstance(item, str) and item in refused:
        text = f"{path_text(path)}: {item!r} is not supported by Laneway, and refused rather than ignored"
        yield Flaw(Code.REFUSED_FIELD, path, text, refused[item])


def _without_consequences(flaws: list[Flaw], strays: list[Flaw]) -> list[Flaw]:
    """The flaws without those of fields that are there but misspelt or refused, and of refused values."""
    refused = {stray.path for stray in strays}
    dropped = {stray.path[:-1] for stray in strays if stray.code is not Code.INERT_FIELD}
    misspelt = {(stray.path[:-1], stray.remedy) for stray in strays if stray.code is Code.UNKNOWN_FIELD}
    return [
        flaw
        for flaw in flaws
        if (flaw.code is not Code.MISSING_FIELD or (flaw.path[:-1], _did_you_mean(flaw.path)) not in misspelt)
        and (flaw.code is not Code.BAD_VALUE or flaw.path not in dropped | refused)
    ]


def _did_you_mean(path: Path) -> str:
    return f"did you mean {path[-1]}?" if path else ""


_TYPES = {
    "int_type": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "float_type": "a number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "datetime_type": "a time like 2026-01-31T12:00:00Z",
    "datetime_parsing": "a time like 2026-01-31T12:00:00Z",
    "datetime_from_date_parsing": "a time like 2026-01-31T12:00:00Z",
}

_PATTERNS = {
    DNS_LABEL: "use lowercase letters, digits and dashes, like pharmacy-2",
    DNS_SUBDOMAIN: "use lowercase letters, digits, dashes and dots, like pharmacy-2",
    LANE_VALUE: "use letters, digits, dashes, dots and underscores, 63 at most, like pr-123",
    COOKIE_NAME: "use letters, digits, dashes and underscores, like lw-cohort",
    HEADER_NAME: "use lowercase letters, digits and dashes, like x-lane",
    HOST_IMPORT: "write namespace/host, like ./*, bank/ledger.bank.svc.cluster.local or */*.example.com",
    HTTP_URL: "write a URL like http://127.0.0.1:9100/queue-length",
}


def _flaws(errors: Iterable[ErrorDetails], value: Any, confidential: frozenset[str]) -> list[Flaw]:
    """One flaw for each path: where several types are allowed, there is an error for each of them."""
    by_path: dict[Path, list[ErrorDetails]] = {}
    for error in errors:
        if error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]:
            continue  # pydantic counts the items of a tuple that are right
        by_path.setdefault(_written_path(error, value), []).append(error)
    return [
        _hidden_flaw(path, same[0])
        if path[:1] and path[0] in confidential
        else _type_flaw(path, same) or _value_flaw(path, same[0])
        for path, same in by_path.items()
    ]


def _hidden_flaw(path: Path, error: ErrorDetails) -> Flaw:
    """What is wrong with a value that must not be shown."""
    if error["type"] in _TYPES:
        expected = _TYPES[error["type"]]
        remedy = "write it in quotes" if expected == "text" else None
        return Flaw(Code.WRONG_TYPE, path, f"{path_text(path)} must be {expected}", remedy)
    return _value_flaw(path, error)


def _written_path(error: ErrorDetails, value: Any) -> Path:
    """The error's place in the value: pydantic appends the type it tried where several are allowed."""
    path: Path = ()
    for step in error["loc"]:
        if isinstance(value, list):
            value = value[int(step)]
        elif isinstance(value, dict) and (step in value or error["type"] == "missing"):
            value = value.get(step)
        else:
            return path
        path = (*path, step)
    return path


def _type_flaw(path: Path, errors: list[ErrorDetails]) -> Flaw | None:
    expected = [_TYPES[error["type"]] for error in errors if error["type"] in _TYPES]
    if len(expected) != len(errors):
        return None
    actual = errors[0]["input"]
    text = f"{path_text(path)} must be {' or '.join(expected)}, not {_described(actual)}"
    return Flaw(Code.WRONG_TYPE, path, text, _type_remedy(expected[0], actual))


def _described(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {_short(value)}"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _type_remedy(expected: str, actual: Any) -> str | None:
    match expected, actual:
        case "text", bool() | int() | float():
            return f'write it in quotes: "{str(actual).lower()}"'
        case "a whole number", str() if actual.isdecimal():
            return f"write it without quotes: {actual}"
        case "true or false", str() if actual.lower() in {"yes", "on", "no", "off"}:
            return f"write {'true' if actual.lower() in {'yes', 'on'} else 'false'}"
        case "a list", str() | int():
            return f"write [{actual}]"
        case _:
            return None


_VALUES: Mapping[str, tuple[str, str]] = {
    "literal_error": ("cannot be {given}", "write {expected}"),
    "enum": ("cannot be {given}", "write {expected}"),
    "greater_than_equal": ("is {given}", "write at least {ge}"),
    "less_than_equal": ("is {given}", "write at most {le}"),
    "too_short": ("is empty", "add at least {min_length}"),
    "too_long": ("has {actual_length} items", "keep at most {max_length}"),
    "string_too_long": ("is longer than {max_length} characters", "shorten it"),
}


def _value_flaw(path: Path, error: ErrorDetails) -> Flaw:
    where, given, details = path_text(path), error["input"], error.get("ctx", {})
    shown = _short(given) if isinstance(given, str) else json.dumps(given, default=str)
    if error["type"] in _VALUES:
        text, remedy = (each.format(given=shown, **details) for each in _VALUES[error["type"]])
        return Flaw(Code.BAD_VALUE, path, f"{where} {text}", remedy)
    match error["type"]:
        case "missing":
            return Flaw(Code.MISSING_FIELD, path, f"{where} is missing")
        case "string_pattern_mismatch":
            return Flaw(Code.BAD_VALUE, path, f"{where} is {shown}", _PATTERNS[details["pattern"]])
        case "value_error":
            text, _, remedy = str(details["error"]).partition("; ")
            return Flaw(Code.BAD_VALUE, path, f"{where}: {text}", remedy or None)
        case _:
            return Flaw(Code.BAD_VALUE, path, f"{where}: {error['msg'].lower()}")
