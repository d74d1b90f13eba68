"""How a container comes to see its volumes: the command that mounts them first, where that is allowed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from laneway.local.container import launcher
from laneway.local.container.references import CannotStartError
from laneway.local.container.volumes import Mount

_TRY_SECONDS = 10


def prefix(root: Path, mounts: Sequence[Mount]) -> Sequence[str]:
    """What stands before a program's words, so that it sees the mounts; nothing where there are none.

    root: an empty folder. Raises CannotStartError where this machine does not allow it.
    """
    if not mounts:
        return ()
    if why := refusal():
        raise CannotStartError(
            f"volumes cannot be mounted on this machine ({why}): allow user namespaces "
            "(sysctl user.max_user_namespaces), run laneway as root, or use `--runtime docker`"
        )
    return _words(root, mounts)


@cache
def refusal() -> str:
    """Why this machine lets no process mount files for itself; empty where it does. Tried once, for real."""
    with tempfile.TemporaryDirectory() as folder:
        argv = [*_words(Path(folder), ()), "true"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_TRY_SECONDS, check=False)
    return (
        ""
        if done.returncode == 0
        else done.stderr.strip().rpartition(": cannot mount this pod's volumes: ")[2]
    )


def _words(root: Path, mounts: Sequence[Mount]) -> Sequence[str]:
    told = [(str(mount.source), mount.target, mount.read_only) for mount in mounts]
    return [sys.executable, "-I", "-S", str(Path(launcher.__file__)), str(root), json.dumps(told)]
