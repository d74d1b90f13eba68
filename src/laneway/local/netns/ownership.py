"""Becoming the owner of networks: as root at once, else as root of a user namespace.

Standard library only. Must not know what the networks are for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from laneway.local.netns import linux

_USER_NAMESPACE = "/proc/self/ns/user"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who processes belong to. apart: in a user namespace of ours, in which root stands for this user."""

    uid: int
    gid: int
    apart: bool


def become(kin: int | None = None) -> Owner:
    """Leave this machine's network for one of our own, by right of which others are made.

    kin: a process whose network shall be ours to enter. Raises OSError.
    """
    uid, gid = os.getuid(), os.getgid()
    apart = _join(kin) if kin is not None else _leave(uid, gid)
    linux.unshare(linux.NEW_NETWORK)
    return Owner(uid, gid, apart)


def privileged() -> bool:
    """Whether networks can be made without a user namespace; if so, this process is in a new one."""
    try:
        linux.unshare(linux.NEW_NETWORK)
    except PermissionError:
        return False
    return True


def new_user(uid: int, gid: int) -> None:
    """Be root of a user namespace. Raises OSError."""
    linux.unshare(linux.NEW_USER)
    linux.map_user((0, 0), (uid, gid))


def network_of(pid: int) -> int:
    """File descriptor of the network that a process is in. Raises OSError."""
    return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _leave(uid: int, gid: int) -> bool:
    if privileged():
        return False
    new_user(uid, gid)
    return True


def _join(kin: int) -> bool:
    network = network_of(kin)
    user = linux.owner(network)
    try:
        if os.fstat(user).st_ino == Path(_USER_NAMESPACE).stat().st_ino:
            return False
        linux.enter(user, linux.NEW_USER)
        return True
    finally:
        os.close(user)
        os.close(network)
