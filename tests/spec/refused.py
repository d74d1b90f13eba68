"""Everything that reading refuses or drops: found by walking the models, shown by documents made of it.

A field or value that a model begins to refuse is found here by itself. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import yaml

from laneway.spec.fields import path_text
from laneway.spec.load import KINDS, Source, load
from laneway.spec.meta import Model
from laneway.spec.problems import Code, Problem

Steps = tuple[str | int, ...]
ANY_KEY = "any"
"""A key of the user's own, like a header's name."""


@dataclass(frozen=True, slots=True)
class Example:
    """A document that is refused or warned of for one reason. path: where; value: what stands there."""

    kind: str
    path: Steps
    value: Any

    @property
    def text(self) -> str:
        """The document."""
        value: Any = self.value
        for step in reversed(self.path):
            value = [value] if isinstance(step, int) else {step: value}
        head = {"apiVersion": version_of(self.kind), "kind": self.kind}
        metadata = {"name": "a"} | value.pop("metadata", {})
        return yaml.safe_dump({**head, "metadata": metadata, **value}, sort_keys=False)

    @property
    def place(self) -> tuple[int, int]:
        """Line and column, from 1, of the field, or of the item in a list of values."""
        lines = self.text.splitlines()
        last = next(str(step) for step in reversed(self.path) if not isinstance(step, int))
        line = next(
            number
            for number, text in enumerate(lines)
            if number > 3 and text.lstrip(" -").startswith(f"{last}:")
        )
        if isinstance(self.path[-1], int):
            line += 1
        return line + 1, len(lines[line]) - len(lines[line].lstrip(" -")) + 1

    @property
    def written(self) -> str:
        """The field as the pages name it: `spec.ports[].protocol`."""
        return path_text(self.path).replace("[0]", "[]").replace(f".{ANY_KEY}", ".*")

    def problems(self) -> list[Problem]:
        """What is said of it, and not of what is missing in the document, which is far from whole."""
        found = load([Source("a.yaml", self.text)]).problems
        here = [problem for problem in found if (problem.line, problem.column) == self.place]
        return [problem for problem in here if problem.code is not Code.MISSING_FIELD]


def version_of(kind: str) -> str:
    """The first apiVersion that a kind is written with."""
    version: str = get_args(KINDS[kind].model_fields["api_version"].annotation)[0]
    return version


def refused_fields() -> Iterator[Example]:
    """One for each field that a model refuses, where the model stands first in a kind."""
    for kind, model, path in models():
        for field in model.unsupported:
            yield Example(kind, (*path, field), {"some": "value"})


def refused_values() -> Iterator[Example]:
    """One for each value that a model refuses."""
    for kind, model, path in models():
        for field, values in model.refused_values.items():
            steps = (*path, field, 0) if _is_list(model, field) else (*path, field)
            for value in values:
                yield Example(kind, steps, value)


def inert_fields() -> Iterator[Example]:
    """One for each field that a model drops."""
    for kind, model, path in models():
        for field in sorted(model.inert):
            yield Example(kind, (*path, field), {"some": "value"})


def models() -> Iterator[tuple[str, type[Model], Steps]]:
    """Each model of each kind, with the shortest way to it; what all kinds share, of the first one alone."""
    known: set[tuple[str, type[Model]]] = set()
    for kind, top in KINDS.items():
        left: list[tuple[type[Model], Steps]] = [(top, ())]
        while left:
            model, path = left.pop(0)
            place = ("" if path[:1] == ("metadata",) else kind, model)
            if place not in known:
                known.add(place)
                yield kind, model, path
                left += below(model, path)


def below(model: type[Model], path: Steps) -> list[tuple[type[Model], Steps]]:
    """The models of a model's fields, each with the way to it."""
    found = []
    for name, field in model.model_fields.items():
        for part, steps in _models_in(field.annotation):
            found.append((part, (*path, field.alias or name, *steps)))
    return found


def _models_in(annotation: Any) -> Iterator[tuple[type[Model], Steps]]:
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, Model):
            yield annotation, ()
        return
    origin = getattr(annotation, "__origin__", None)
    step: Steps = (0,) if origin in (list, tuple) else (ANY_KEY,) if origin in (dict, Mapping) else ()
    for part in get_args(annotation):
        for model, steps in _models_in(part):
            yield model, (*step, *steps)


def _is_list(model: type[Model], field: str) -> bool:
    for name, info in model.model_fields.items():
        if (info.alias or name) == field:
            return getattr(info.annotation, "__origin__", None) in (list, tuple)
    raise LookupError(f"{model.__name__} refuses values of {field}, a field that it has not")
