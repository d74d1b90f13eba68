"""A store that has Istio's kinds already: defining them takes the API server longer than its own start.

Owns where such a store is kept and how it is copied. Must not know how it was filled.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from tests.lab import cache
from tests.lab.pins import EVERY

_FILLED_BY = ("etcd", "kubernetes", "istio")
_VERSION = "1"
"""Another one for each change of what is put there."""


def place() -> Path:
    """Where the store for the pins as they are now is, or would be."""
    keys = "".join(module.key() for module in EVERY if module.name in _FILLED_BY)
    return cache.root() / f"store-{hashlib.sha256((_VERSION + keys).encode()).hexdigest()[:16]}"


def copied(target: Path) -> bool:
    """Have a copy of the store there, if there is a store."""
    if place().exists():
        copy(place(), target)
    return place().exists()


def copy(source: Path, target: Path) -> None:
    """Copy a store that is not in use; most of its files' length is room that was never written."""
    subprocess.run(["cp", "--archive", "--sparse=always", source, target], check=True)
