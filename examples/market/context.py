"""What all services of the market share: who a process is, and the context of a request that goes along."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PASSED_ON = frozenset({"x-lane", "x-laneway-cohort", "baggage", "traceparent", "tracestate", "x-request-id"})
"""Headers and metadata of a request that go along with every call made for it."""


@dataclass(frozen=True, slots=True)
class Who:
    """A process: its service and its version."""

    name: str
    version: str

    @classmethod
    def from_arguments(cls) -> Who:
        """As its command line says: NAME VERSION."""
        return cls(*sys.argv[1:3])

    def says(self, **more: Any) -> dict[str, Any]:
        """An answer."""
        return {"service": self.name, "version": self.version, **more}


def listen_at(port: int) -> tuple[str, int]:
    """Where to listen: everywhere, at the usual port, as in a container; unless HOST and PORT say else."""
    return os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", port))


def passed_on(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The part of a request's headers or metadata that goes along."""
    return {name.lower(): value for name, value in headers if name.lower() in PASSED_ON}


def written(answer: Any) -> bytes:
    """An answer on the wire."""
    return json.dumps(answer).encode()
