"""What some apps want to have confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.kubernetes.confirm.wanted import Rules
from laneway.spec.meta import Key


@dataclass(frozen=True, slots=True)
class Interest:
    """What some apps want to have confirmed: their rules, and while they move the clusters in them.

    counted: the clusters whose endpoints count.
    """

    rules: Mapping[Key, Rules] = field(default_factory=dict)
    clusters: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
