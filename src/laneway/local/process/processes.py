"""Processes: each in its own session, its output straight in a file, watched by pidfd: so it outlives us.

Owns starting, adopting, waiting and ending. Must not know why a process runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from laneway.local.process import procfs
from laneway.local.process.markers import Identity, Marked, find

_PASSED_ON = ("HOME", "LANG", "TZ", "TMPDIR")
_ROUNDS_MAX = 200
_ROUND_SECONDS_MAX = 0.05
_MARKER_LOOKS = 2
"""A process has no environment, hence no marker, for an instant while it is replaced by another program."""

_STARTERS = ThreadPoolExecutor(2, thread_name_prefix="start")
"""Two: more of them keep the event loop from its turn."""


class StuckError(Exception):
    """Processes that do not end although they were killed."""


class Process:
    """A running process, our child or not. Made by `spawn` and `adopt`, in a running event loop."""

    def __init__(
        self, identity: Identity, pidfd: int, status: Callable[[], Awaitable[int | None]] | None = None
    ) -> None:
        """status: asks for its exit status when it has ended, where it is the child of another."""
        self.identity = identity
        self._pidfd: int | None = pidfd
        self._status = status
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Future[int | None] = self._loop.create_future()
        self._loop.add_reader(pidfd, self._ended)

    @property
    def running(self) -> bool:
        """Whether it is watched and its end has not been seen."""
        return not self._end.done()

    async def wait(self) -> int | None:
        """Its exit status, negative for a signal; None for a process that is not our child."""
        return await asyncio.shield(self._end)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process alone; nothing happens where it has ended."""
        if self._pidfd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def stop(self, grace: timedelta) -> None:
        """SIGTERM; after the grace SIGKILL. Returns when its session is empty. Raises StuckError."""
        self.signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(grace.total_seconds()):
                await self.wait()
        await self.end_session()

    async def end_session(self) -> None:
        """Kill what is left of its session. Raises StuckError."""
        await _kill(lambda: _members({self.identity.pid}))
        await self.wait()

    def forget(self) -> None:
        """Watch it no longer; it runs on."""
        if self.running:
            self._release()
            self._end.cancel()

    def _ended(self) -> None:
        assert self._pidfd is not None, "watched as long as it is open"
        status = _reap(self._pidfd)
        self._release()
        if status is None and self._status is not None:
            self._asking = self._loop.create_task(self._ask(self._status()))
        else:
            self._end.set_result(status)

    async def _ask(self, status: Awaitable[int | None]) -> None:
        found = await status
        if not self._end.done():
            self._end.set_result(found)

    def _release(self) -> None:
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None


class _Started(subprocess.Popen[bytes]):
    """Started by Popen, reaped by its pidfd: Popen's finaliser would try to reap it a second time."""

    def __del__(self) -> None:
        """Leave the process alone."""


def clean_environment() -> dict[str, str]:
    """What every process gets: PATH, this interpreter's folder first; variables of place and language."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {"PATH": path} | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


async def spawn(argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> Process:
    """Start a process with this environment and no other, its output appended to the log file (mode 0600).

    Returns when the program has been found and started: in a thread, since that takes 10 ms and more on a
    busy machine. Raises OSError where it cannot be. Cancelled, it leaves no process.
    """
    starting = asyncio.get_running_loop().run_in_executor(_STARTERS, _start, argv, env, cwd, log)
    try:
        return _watched(await asyncio.shield(starting))
    except asyncio.CancelledError:
        await _watched(await starting).end_session()
        raise


def adopt(identity: Identity) -> Process | None:
    """Watch a process that already runs; None where it has ended, also where its pid was given to another."""
    pidfd = _open(identity)
    return None if pidfd is None else Process(identity, pidfd)


async def kill_all(state: str, grace: timedelta, known: Iterable[Identity] = ()) -> int:
    """End every process that carries the state's marker, and their sessions; how many parts there were.

    known: identities on record, for programs that write over their own environment. Raises StuckError.
    """
    identities = {marked.identity for marked in find(state) if marked.leader}.union(known)
    leaders = [process for identity in identities if (process := adopt(identity))]
    for process in leaders:
        process.signal(signal.SIGTERM)
    ends = [asyncio.ensure_future(process.wait()) for process in leaders]
    if ends:
        await asyncio.wait(ends, timeout=grace.total_seconds())
    sessions = {process.identity.pid for process in leaders}
    await _kill(lambda: _members(sessions) | {marked.identity for marked in find(state)}, _MARKER_LOOKS)
    await asyncio.gather(*ends)
    return len(leaders)


async def kill_marked(state: str, chosen: Callable[[Marked], bool]) -> None:
    """Kill the state's processes that are chosen by their marker, whatever session they are in."""
    await _kill(lambda: {marked.identity for marked in find(state) if chosen(marked)})


def _start(argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> int:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return _Started(
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ).pid
    finally:
        os.close(output)


def _watched(child: int) -> Process:
    pidfd, stat = os.pidfd_open(child), procfs.stat(child)
    assert stat is not None, "a child stays until it is reaped"
    return Process(Identity(child, stat.started), pidfd)


def _members(sessions: set[int]) -> set[Identity]:
    found = (procfs.stat(pid) for pid in procfs.pids())
    return {
        Identity(each.pid, each.started)
        for each in found
        if each and each.session in sessions and not each.zombie
    }


async def _kill(targets: Callable[[], set[Identity]], looks: int = 1) -> None:
    """Kill until there is no target any more; looks anew each time, since the dying may still fork.

    looks: how often in a row nothing must be found.
    """
    quiet = 0
    for attempt in range(_ROUNDS_MAX):
        left = targets()
        quiet = 0 if left else quiet + 1
        if quiet == looks:
            return
        for identity in left:
            _send(identity, signal.SIGKILL)
        await asyncio.sleep(min(0.002 * 2**attempt, _ROUND_SECONDS_MAX))
    raise StuckError(f"still there after SIGKILL: {sorted(identity.pid for identity in left)}")


def _send(identity: Identity, number: signal.Signals) -> None:
    pidfd = _open(identity)
    if pidfd is None:
        return
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return
    finally:
        os.close(pidfd)


def _open(identity: Identity) -> int | None:
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    if _alive(identity):
        return pidfd
    os.close(pidfd)
    return None


def _alive(identity: Identity) -> bool:
    stat = procfs.stat(identity.pid)
    if stat is None or stat.zombie:
        return False
    return (stat.started, procfs.boot()) == (identity.started, identity.boot)


def _reap(pidfd: int) -> int | None:
    try:
        end = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    except ChildProcessError:
        return None
    if end is None:
        return None
    return end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
