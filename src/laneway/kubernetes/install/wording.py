"""What the models' docstrings say, taken apart: of a model as a whole, and of each of its fields.

A docstring has sentences about the whole, and parts like `name: text; other, third: text` about fields. Owns
that form. Must not know any kind, nor what becomes of the words.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from laneway.spec.meta import Model


@dataclass(frozen=True, slots=True)
class Words:
    """whole: of the model; fields: by name in Python. Sentences, with names as people write them."""

    whole: str
    fields: Mapping[str, str] = field(default_factory=dict)


@cache
def words_of(model: type[Model]) -> Words:
    """What a model's docstring says; of a field it inherits, what the docstrings of its bases say."""
    own = _read(inspect.cleandoc(model.__doc__ or ""), model)
    inherited: dict[str, str] = {}
    for base in reversed(model.__mro__[1:]):
        if issubclass(base, Model) and base is not Model:
            inherited.update(words_of(base).fields)
    return Words(own.whole, {**inherited, **own.fields})


def _read(text: str, model: type[Model]) -> Words:
    whole: list[str] = []
    fields: dict[str, str] = {}
    for paragraph in text.split("\n\n"):
        said, parts = _taken_apart(" ".join(paragraph.split()), "|".join(model.model_fields) or "$.")
        scope = f"{said} " if said.endswith(":") else ""
        if said and not scope:
            whole.append(said)
        for name, part in parts:
            fields[name] = _sentence(scope + part, model)
    return Words(" ".join(_as_written(each, model) for each in whole), fields)


def _taken_apart(paragraph: str, names: str) -> tuple[str, list[tuple[str, str]]]:
    """What is said before the first field, and what is said of each field."""
    heads = list(re.finditer(rf"(?:^|(?<=[.;:] ))((?:{names})(?:, (?:{names}))*): ", paragraph))
    ends = [head.start() for head in heads[1:]] + [len(paragraph)]
    parts = [
        (name, paragraph[head.end() : end].rstrip(" ;."))
        for head, end in zip(heads, ends, strict=False)
        for name in head[1].split(", ")
    ]
    return (paragraph[: heads[0].start()] if heads else paragraph).strip(), parts


def _sentence(text: str, model: type[Model]) -> str:
    written = _as_written(text, model)
    return f"{written[:1].upper()}{written[1:]}."


def _as_written(text: str, model: type[Model]) -> str:
    """Names as they stand in YAML: `on_unsure` is `onUnsure` there."""
    for name, alias in _renamed(model):
        text = re.sub(rf"\b{name}\b", alias, text)
    return text


def _renamed(model: type[Model]) -> Iterator[tuple[str, str]]:
    for name, info in model.model_fields.items():
        if "_" in name and info.alias:
            yield name, info.alias
