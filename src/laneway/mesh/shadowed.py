"""Objects that have no effect on a host, because another one or their namespace keeps them from it."""

from __future__ import annotations

from dataclasses import dataclass

from laneway.spec.meta import Key


@dataclass(frozen=True, slots=True)
class Shadowed:
    """An object without effect on a host, and why."""

    kind: str
    key: Key
    host: str
    why: str
