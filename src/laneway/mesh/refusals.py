"""What the models can express and the embedded mesh does not implement: refused by field, never ignored."""

from __future__ import annotations

from dataclasses import dataclass

from laneway.spec.meta import Key


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an object is not taken. field: path inside the object (`spec.http[0].route`); text: what to write instead."""

    kind: str
    key: Key
    field: str
    text: str
