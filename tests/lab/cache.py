"""Where the lab's programs lie: a folder outside the checkout, one part of it for each module with its pins.

Owns names of folders and files there. Must not build anything, nor start it.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.lab.pins import EVERY, Module

SYSTEM_PROMETHEUS = Path("/usr/bin/prometheus")


class NotBuilt(Exception):  # noqa: N818 - it is read as a sentence
    """A part of the lab is missing."""

    def __init__(self, name: str, how: str = "make lab") -> None:
        super().__init__(f"the lab has no {name}: `{how}` gets it")


def root() -> Path:
    """The lab's cache: `LANEWAY_LAB_CACHE`, or a folder in the user's cache."""
    if chosen := os.environ.get("LANEWAY_LAB_CACHE"):
        return Path(chosen).absolute()
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "laneway-lab"


def folder(module: Module) -> Path:
    """Where what is built from this module lies, with its pins as they are now."""
    return root() / f"{module.name}-{module.key()}"


def program(name: str) -> Path:
    """A built program, such as `kube-apiserver`.

    Raises:
        NotBuilt: it is not there, or was built from other pins.
    """
    return _found(name, next(module for module in EVERY if name in module.packages))


def document(name: str) -> Path:
    """A file that a module brings along, such as Istio's CRDs.

    Raises:
        NotBuilt: it is not there, or belongs to other pins.
    """
    return _found(name, next(module for module in EVERY if name in module.documents))


def prometheus() -> Path:
    """Prometheus, the system's own or the one unpacked in the cache.

    Raises:
        NotBuilt: there is none.
    """
    for path in (SYSTEM_PROMETHEUS, unpacked_prometheus() / "usr/bin/prometheus"):
        if path.exists():
            return path
    raise NotBuilt("prometheus")


def unpacked_prometheus() -> Path:
    """The folder that Debian's package of Prometheus is unpacked in."""
    return root() / "prometheus-debian"


def _found(name: str, module: Module) -> Path:
    path = folder(module) / name
    if not path.exists():
        raise NotBuilt(name, "python -m tests.lab.build --peers" if module.peer else "make lab")
    return path
