"""What differs between two versions of an object, in words for the history. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_PLACES_MAX = 6
_TEXT_MAX = 60
_MISSING = object()


def difference(old: Any, new: Any) -> str:
    """The changed fields with both values (`spec.replicas: 4 → 5`), the first six of them.

    Of a Secret no value is shown: its annotations may repeat them.
    """
    places = list(_changes("", old, new))
    if isinstance(new, dict) and new.get("kind") == "Secret":
        shown = [f"{path} changed" for path, _, _ in places[:_PLACES_MAX]]
    else:
        shown = [f"{path}: {_text(before)} → {_text(after)}" for path, before, after in places[:_PLACES_MAX]]
    if len(places) > _PLACES_MAX:
        shown.append(f"and {len(places) - _PLACES_MAX} more")
    return ", ".join(shown)


def _changes(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old | new:
            below = f"{path}.{key}" if path else key
            yield from _changes(below, old.get(key, _MISSING), new.get(key, _MISSING))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _changes(f"{path}[{index}]", before, after)
    elif old != new:
        yield path, old, new


def _text(value: Any) -> str:
    if value is _MISSING:
        return "unset"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"
