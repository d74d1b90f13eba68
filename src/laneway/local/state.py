"""Where one Laneway on this machine keeps its things, and whether it runs. Must not know what the things are.

A state is a directory; `laneway.lock` in it marks it as one. The daemon holds a lock on that file while it
lives, so the kernel says whether it runs, and its pid, also after a kill -9.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RUN_PATH_BYTES_MAX = 48
"""Of the run directory's path, so that a socket in it stays under the 108 bytes that Linux allows."""

_FLOCK = "hhqqi"
"""`struct flock` of Linux with 64-bit offsets: type, whence, start, length, pid."""


class StateTakenError(Exception):
    """Another process holds the state. pid: its process id."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"held by process {pid}" if pid else "held by another process")
        self.pid = pid


class StartingError(Exception):
    """Another process is starting a daemon on the state."""


class NotAStateError(Exception):
    """The directory holds other files than Laneway's."""


@dataclass(frozen=True, slots=True)
class State:
    """One state directory. path: absolute, symbolic links resolved, so that one directory has one id."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> State:
        """The state in a directory, which need not exist yet."""
        return cls(path.expanduser().resolve())

    @property
    def id(self) -> str:
        """Names the state among the processes of this machine (environment variable LANEWAY_STATE)."""
        return hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]

    @property
    def run(self) -> Path:
        """Directory of sockets, mode 0700: in the state where its path is short enough, else under /tmp."""
        inside = self.path / "run"
        if len(os.fsencode(inside)) <= RUN_PATH_BYTES_MAX:
            return inside
        return Path(f"/tmp/laneway-{os.getuid()}-{self.id}")

    @property
    def api(self) -> Path:
        """Socket of the control API."""
        return self.run / "api.sock"

    @property
    def daemon_log(self) -> Path:
        """What the daemon writes to its standard output and error."""
        return self.path / "daemon.log"

    @property
    def database(self) -> Path:
        """Objects and history."""
        return self.path / "laneway.db"

    @property
    def counts(self) -> Path:
        """What guardrails have counted so far."""
        return self.path / "counts.json"

    @property
    def logs(self) -> Path:
        """Directory of what replicas and proxies write to their standard output and error."""
        return self.path / "logs"

    @property
    def volumes(self) -> Path:
        """Directory of the files of pods' volumes."""
        return self.path / "volumes"

    @property
    def exists(self) -> bool:
        """Whether a state has been made here and not been removed."""
        return self._lock.exists()

    @property
    def _lock(self) -> Path:
        return self.path / "laneway.lock"

    def create(self) -> None:
        """Make the directories, mode 0700; nothing changes where they exist.

        Raises NotAStateError where the directory holds other files, or others can enter the run directory.
        """
        if not self.exists and self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise NotAStateError(f"{self.path} is not empty and holds no state of Laneway's")
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock.touch(mode=0o600)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        self.volumes.mkdir(mode=0o700, exist_ok=True)
        self.run.mkdir(mode=0o700, exist_ok=True)
        seen = self.run.lstat()
        if self.run.is_symlink() or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
            raise NotAStateError(f"{self.run} belongs to someone else, or others can enter it")

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Be the only one who starts a daemon here, or undoes that; the state is created first.

        Raises StartingError where another process does, and what `create` raises.
        """
        self.create()
        with (self.path / "starting.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StartingError from None
            if not self.exists or os.fstat(lock.fileno()).st_nlink == 0:
                raise StartingError  # it was undone since
            yield

    def holder(self) -> int | None:
        """Process id of the daemon that runs on this state, None where none does. Takes no lock."""
        try:
            lock = os.open(self._lock, os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(lock, fcntl.F_GETLK, asked))
        finally:
            os.close(lock)
        return None if kind == fcntl.F_UNLCK else pid

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the state as its daemon does. Raises StateTakenError where another process holds it.

        POSIX locks belong to the process: the holder must not open the file again, so never call `holder()`.
        """
        self.create()
        with self._lock.open("r+b") as lock:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StateTakenError(self.holder()) from None
            yield

    def remove(self) -> None:
        """Delete the directories of a state that no process holds; nothing happens where there is none.

        Raises StateTakenError while a daemon holds it.
        """
        if (pid := self.holder()) is not None:
            raise StateTakenError(pid)
        if self.exists:
            shutil.rmtree(self.path)
        if self.run.exists() and self.run.lstat().st_uid == os.getuid():
            shutil.rmtree(self.run)


def default_state() -> Path:
    """$LANEWAY_STATE, else `laneway/default` in the XDG state home.

    Source: XDG Base Directory Specification, $XDG_STATE_HOME defaults to ~/.local/state.
    """
    if named := os.environ.get("LANEWAY_STATE"):
        return Path(named)
    home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(home).expanduser() / "laneway" / "default"
