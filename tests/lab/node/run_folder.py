"""The folder of a node's sockets, with a short path; gone with the node, or when the next one starts."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "laneway-lab-node-"
_LOCK = "lock"


@contextmanager
def run_folder(within: Path = Path("/tmp")) -> Iterator[Path]:
    """A folder that is this process's own. Those of processes that have ended are removed."""
    _sweep(within)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=within))
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(within: Path) -> None:
    for left in within.glob(f"{_PREFIX}*"):
        with suppress(OSError), (left / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
