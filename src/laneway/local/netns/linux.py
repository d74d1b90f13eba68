"""The system calls that Python has no functions for. Standard library only. Must not know what for.

Source: unshare(2), setns(2), mount(2), pivot_root(2), prctl(2), ioctl_ns(2), capabilities(7).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEW_MOUNTS, NEW_HOSTNAME, NEW_USER, NEW_NETWORK = 0x0002_0000, 0x0400_0000, 0x1000_0000, 0x4000_0000
"""Kinds of namespaces."""

BIND, RECURSIVE, SLAVE, READ_ONLY, REMOUNT = 0x1000, 0x4000, 0x8_0000, 0x1, 0x20
NO_SUID, NO_DEVICES = 0x2, 0x4
"""Flags of a mount."""

CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE = 0, 1, 3, 4, 5, 6, 7, 10
"""Capabilities."""

_CAPABILITIES_MAX = 64
_PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_NO_NEW_PRIVILEGES = 23, 24, 38
_PR_AMBIENT, _PR_AMBIENT_CLEAR = 47, 4
_OWNING_USER_NAMESPACE = 0xB701
_CAPABILITY_VERSION_3 = 0x2008_0522
_DETACH = 0x2

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(kinds: int) -> None:
    """Leave these namespaces for new ones. Raises OSError."""
    _checked(_libc.unshare(kinds))


def enter(namespace: int, kind: int) -> None:
    """Enter a namespace. namespace: file descriptor. Raises OSError."""
    _checked(_libc.setns(namespace, kind))


def owner(namespace: int) -> int:
    """File descriptor of the user namespace that owns a namespace. Raises OSError."""
    return fcntl.ioctl(namespace, _OWNING_USER_NAMESPACE)


def network() -> int:
    """File descriptor of the network that this thread is in."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def new_network() -> int:
    """File descriptor of a new network; this thread stays where it is. Raises OSError."""
    before = network()
    try:
        unshare(NEW_NETWORK)
        try:
            return network()
        finally:
            enter(before, NEW_NETWORK)
    finally:
        os.close(before)


@contextmanager
def inside(there: int) -> Iterator[None]:
    """This thread is in another network meanwhile. Raises OSError."""
    before = network()
    try:
        enter(there, NEW_NETWORK)
        try:
            yield
        finally:
            enter(before, NEW_NETWORK)
    finally:
        os.close(before)


def map_user(inner: tuple[int, int], outer: tuple[int, int]) -> None:
    """Say who the one user and group of this new user namespace are outside. Raises OSError."""
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inner[0]} {outer[0]} 1")
    _write("/proc/self/gid_map", f"{inner[1]} {outer[1]} 1")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount. Raises OSError."""
    texts = [os.fsencode(text) if text else None for text in (source, target, kind)]
    options = data.encode() if data else None
    try:
        _checked(_libc.mount(*texts, ctypes.c_ulong(flags), options))
    except OSError as error:
        raise OSError(error.errno, error.strerror, target) from None


def change_root(folder: str) -> None:
    """Make a mounted folder the root of this namespace of mounts, in which nothing is left of what was.

    After a chroot instead, the kernel would refuse a new user namespace. Raises OSError.
    """
    os.chdir(folder)
    _checked(_libc.pivot_root(b".", b"."))
    _checked(_libc.umount2(b".", _DETACH))
    os.chdir("/")


def set_hostname(name: str) -> None:
    """Name this namespace of host names. Raises OSError."""
    text = name.encode()
    _checked(_libc.sethostname(text, len(text)))


def keep_capabilities(kept: frozenset[int]) -> None:
    """Have these capabilities at most, and let no program that is run from here on have others.

    Raises OSError.
    """
    _prctl(_PR_AMBIENT, _PR_AMBIENT_CLEAR)
    for capability in range(_CAPABILITIES_MAX):
        if capability not in kept and _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) == 1:
            _prctl(_PR_CAPBSET_DROP, capability)
    _, permitted, _ = _capabilities()
    wanted = permitted & sum(1 << capability for capability in kept)
    low, high = wanted & 0xFFFF_FFFF, wanted >> 32
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _checked(_libc.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)))


def _capabilities() -> tuple[int, int, int]:
    """This process's effective, permitted and inheritable ones, as bits."""
    header, data = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), ctypes.create_string_buffer(24)
    _checked(_libc.capget(header, data))
    words = struct.unpack("=6I", data.raw)
    effective, permitted, inheritable = (words[n] | words[n + 3] << 32 for n in range(3))
    return effective, permitted, inheritable


def no_new_privileges() -> None:
    """Let no program that is run from here on gain privileges."""
    _prctl(_PR_NO_NEW_PRIVILEGES, 1)


def _prctl(*arguments: int) -> None:
    padded = (*arguments, 0, 0, 0, 0)[:5]
    _checked(_libc.prctl(*(ctypes.c_ulong(value) for value in padded)))


def _write(path: str, text: str) -> None:
    Path(path).write_text(text)


def _checked(result: int) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
