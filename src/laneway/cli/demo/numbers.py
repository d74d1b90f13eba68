"""What the demo measured: the document of `-o json`. Seconds, weights in percent, shares from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Up:
    """From the command to the shop with every workload ready and every proxy confirmed."""

    seconds: float
    pods: int
    proxies: int


@dataclass(slots=True)
class Lane:
    """The lane, and how many of the requests in it and outside of it reached another version than theirs."""

    name: str
    header: dict[str, str]
    seconds: float
    tagged: int
    untagged: int
    strays: int
    path: list[str]


@dataclass(slots=True)
class Move:
    """The app at one change: by version the weight planned, the one that every proxy serves, and pods.

    share: of the answers in the last seconds, measured.
    """

    at_s: float
    weights: dict[str, int | float]
    served: dict[str, int | float | None]
    pods: dict[str, int]
    share: float


@dataclass(slots=True)
class Canary:
    """A release that went through. share: measured at the first step, over so many requests."""

    version: str
    seconds: float
    weight: int | float
    share: float
    share_requests: int
    pods_max: int
    moves: list[Move] = field(default_factory=list)


@dataclass(slots=True)
class Abort:
    """A release that was aborted. right_after_s: from typing the command to the last wrong answer."""

    version: str
    wrong_share: float
    wrong_requests: int
    right_after_s: float
    right_since: int


@dataclass(slots=True)
class Load:
    """What became of all requests of the background load."""

    rate: float
    requests: int
    failed: int
    errors: dict[str, int]
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(slots=True)
class Numbers:
    """Everything. failure: the expectation that was not met, empty when all were."""

    failure: str = ""
    seconds: float = 0.0
    up: Up | None = None
    lane: Lane | None = None
    release: Canary | None = None
    abort: Abort | None = None
    load: Load | None = None
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
