"""Events: the append-only record of what changed, when, by whom and why. Must not know who stores the objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from laneway.spec.meta import Key


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one object.

    change: created, configured, deleted, or another word for what is neither; reason: why; message: what exactly, for
    people; by: who did it; app, lane, revision: what it concerns, empty where it concerns none; id: grows, 0 until
    recorded.
    """

    at: datetime
    kind: str
    key: Key
    change: str
    reason: str
    message: str = ""
    by: str = ""
    app: str = ""
    lane: str = ""
    revision: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0
