"""Runs a program that sees some of this machine's files at other paths, in a mount namespace of its own.

`python -I -S launcher.py ROOT MOUNTS PROGRAM ARGUMENT…`; ROOT is an empty folder, MOUNTS is JSON: a list of
`[source, target, read-only]`. Nothing outside the process changes. Without root it takes a user namespace in
which the user is himself. Standard library only; must not import Laneway.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys

FAILED = 125
"""Exit status where the files cannot be shown."""

_NEWNS, _NEWUSER = 0x0002_0000, 0x1000_0000
_RDONLY, _REMOUNT, _BIND, _REC, _PRIVATE, _RELATIME = 1, 32, 4096, 16384, 1 << 18, 1 << 21
_KEPT = 0x2 | 0x4 | 0x8 | 0x400
"""nosuid, nodev, noexec, noatime: the same bits in statvfs and mount, kept when a mount is changed."""

_libc = ctypes.CDLL(None, use_errno=True)


def main(root: str, mounts: str, *argv: str) -> None:
    """Show the files and become the program."""
    try:
        folder = os.getcwd()
        enter()
        show(root, json.loads(mounts))
        os.chroot(root)
        os.chdir(folder)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        print(f"laneway: cannot mount this pod's volumes: {error.strerror}{where}", file=sys.stderr)
        sys.exit(FAILED)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        print(f"laneway: {argv[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


def enter() -> None:
    """A mount namespace, from which nothing gets out."""
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        _check(_libc.unshare(_NEWNS), "unshare")
    else:
        _check(_libc.unshare(_NEWNS | _NEWUSER), "unshare")
        for file, line in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{file}", "w", encoding="ascii") as out:
                out.write(line)
    _mount(None, "/", _REC | _PRIVATE)


def show(root: str, mounts: list[tuple[str, str, bool]]) -> None:
    """Everything as it is, under `root`, and the sources at their targets."""
    targets = [(source, os.path.realpath(target), read_only) for source, target, read_only in mounts]
    opened = {"/"}
    for _, target, _ in targets:
        if not os.path.exists(target):
            opened |= _above(target)
    _mount(None, root, 0, "tmpfs")
    _mirror("", root, opened)
    for source, target, read_only in targets:
        at = root + target
        _make(at, os.path.isdir(source))
        _mount(source, at, _BIND | _REC)
        if read_only:
            there = os.statvfs(at).f_flag
            kept = there & _KEPT | (_RELATIME if there & 4096 else 0)
            _mount(None, at, _BIND | _REMOUNT | _RDONLY | kept)


def _above(path: str) -> set[str]:
    """The folders above a path."""
    steps = path.split("/")[1:-1]
    return {"/" + "/".join(steps[: count + 1]) for count in range(len(steps))}


def _mirror(folder: str, root: str, opened: set[str]) -> None:
    """A folder's entries at the same path under `root`. opened: folders that get new entries there."""
    for entry in os.scandir(folder or "/"):
        path = f"{folder}/{entry.name}"
        if entry.is_symlink():
            os.symlink(os.readlink(path), root + path)
            continue
        is_folder = entry.is_dir()
        _make(root + path, is_folder)
        if is_folder and path in opened:
            _mirror(path, root, opened)
        else:
            _mount(path, root + path, _BIND | _REC)


def _make(path: str, is_folder: bool) -> None:
    if is_folder:
        os.makedirs(path, exist_ok=True)
    elif not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o644))


def _mount(source: str | None, target: str, flags: int, kind: str | None = None) -> None:
    result = _libc.mount(_bytes(source or kind), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), None)
    _check(result, target)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


if __name__ == "__main__":
    main(*sys.argv[1:])
