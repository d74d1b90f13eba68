"""Becoming a program in the world of another process: its namespaces, its root, its folder and its powers.

For a process of one thread: the kernel lets no other enter. Must not know whose process it is.

Source: setns(2), ioctl_ns(2), user_namespaces(7).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from laneway.local.netns import linux
from laneway.local.netns.launch import KEPT

_KINDS = {"net": linux.NEW_NETWORK, "uts": linux.NEW_HOSTNAME, "mnt": linux.NEW_MOUNTS}
"""Namespaces that a replica may have of its own."""

_OURS = Path("/proc/self/ns")


def become(argv: Sequence[str], pid: int, env: Mapping[str, str]) -> NoReturn:
    """Run this program where the process runs, in place of this one. Raises OSError."""
    process = Path("/proc") / str(pid)
    theirs = process / "ns"
    root, folder, user = _opened(process / "root"), _opened(process / "cwd"), _opened(theirs / "user")
    others = {
        kind: _opened(theirs / kind) for kind in _KINDS if _inode(theirs / kind) != _inode(_OURS / kind)
    }
    if others:
        _enter(others, user, root)
    os.fchdir(folder)
    os.execvpe(argv[0], list(argv), dict(env))


def _enter(others: Mapping[str, int], user: int, root: int) -> None:
    """Enter namespaces by right of the user namespace that owns them, and at last that of the process."""
    ours, theirs = _inode(_OURS / "user"), os.fstat(user).st_ino
    owner = linux.owner(next(iter(others.values())))
    owned = os.fstat(owner).st_ino
    if owned != ours:
        linux.enter(owner, linux.NEW_USER)
    for kind, namespace in others.items():
        linux.enter(namespace, _KINDS[kind])
    if theirs != owned:
        linux.enter(user, linux.NEW_USER)
    os.fchdir(root)
    os.chroot(".")
    if "net" in others:
        if theirs == ours:
            linux.keep_capabilities(KEPT)
        linux.no_new_privileges()


def _opened(path: Path) -> int:
    """A descriptor that is closed when this process becomes another program."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _inode(path: Path) -> int:
    return path.stat().st_ino
