"""What the refusals of several kinds share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

Finding = tuple[str, str]
"""A field, as a path inside the spec, and what to do."""

HOST_PATTERN = re.compile(
    r"\*(\.[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?|[a-z0-9]([-a-z0-9.]*[a-z0-9])?", re.IGNORECASE
)


def field_of(place: Iterable[str | int]) -> str:
    """A place as a path: subsets[0].name."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def unique(field: str, part: str, values: list[str]) -> Iterator[Finding]:
    """Each value that is there twice."""
    for index, value in enumerate(values):
        if value in values[:index]:
            yield f"{field}[{index}].{part}", f"{value} is there twice; rename or remove one"
