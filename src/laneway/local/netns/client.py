"""The daemon's side of the helper: starting it, and asking it. Must not know what is asked for.

A helper that an earlier daemon has started is taken over by its socket.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import laneway
from laneway.local.netns import wire
from laneway.local.network.isolation import Impossible, forbidden

_PACKAGE = str(Path(laneway.__file__).parent.parent)
_BACKLOG = 4


class LostError(ConnectionError):
    """The helper has ended."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "has ended", "the helper of pods' networks")


def python(module: str, call: str) -> list[str]:
    """The command of a fresh interpreter that calls a function of a module; it starts in 20 ms."""
    program = f"import sys; sys.path.insert(0, {_PACKAGE!r}); from {module} import main; main({call})"
    return [sys.executable, "-I", "-S", "-c", program]


def tried() -> Impossible | None:
    """What keeps this user from making networks; None where nothing does. Takes 0.1 s."""
    found = subprocess.run(
        python("laneway.local.netns.trial", ""), capture_output=True, check=True, text=True, env={}
    )
    said = json.loads(found.stdout)
    return forbidden(said["step"], said["errno"]) if said else None


def running(path: Path) -> socket.socket | None:
    """A connection to the helper that serves at this socket; None where none does."""
    to = _socket()
    try:
        to.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        to.close()
        return None
    return to


def start(path: Path, kin: int | None, env: Mapping[str, str], log: Path) -> socket.socket:
    """Start a helper that serves at a socket; a connection to it. kin: as in `ownership.become`."""
    path.unlink(missing_ok=True)
    with _socket() as listening, log.open("ab") as output:
        listening.bind(str(path))
        listening.listen(_BACKLOG)
        subprocess.Popen(
            python("laneway.local.netns.helper", f"{listening.fileno()}, {kin}"),
            env=env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
        to = _socket()
        to.connect(str(path))
    return to


class Helper:
    """A connection to a helper, in a running event loop. lost: called when it ends."""

    def __init__(self, to: socket.socket, lost: Callable[[], None]) -> None:
        self._to = to
        self._lost = lost
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[tuple[dict[str, Any], list[int]]]] = {}
        to.setblocking(False)
        asyncio.get_running_loop().add_reader(to, self._readable)

    async def ask(
        self, request: dict[str, Any], given: Sequence[int] = ()
    ) -> tuple[dict[str, Any], list[int]]:
        """Its answer, with descriptors that are now the caller's. given: stay the caller's to close.

        Raises OSError, LostError where it ends meanwhile.
        """
        number = next(self._numbers)
        answered = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            await self._send(request | {"id": number}, given)
        except BaseException:
            self._asked.pop(number, None)
            raise
        answer, descriptors = await answered
        if "error" in answer:
            code, text, file = answer["error"]
            raise OSError(code, text, file)
        return answer, descriptors

    def close(self) -> None:
        """Leave it; it runs on."""
        if self._to.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._to)
            self._to.close()
        for answered in self._asked.values():
            if not answered.done():
                answered.set_exception(LostError())
                answered.exception()  # who asked may have been cancelled, and nobody else needs to know
        self._asked.clear()

    async def _send(self, request: dict[str, Any], given: Sequence[int]) -> None:
        while True:
            try:
                wire.send(self._to, request, given)
                return
            except BlockingIOError:
                await asyncio.sleep(0.001)
            except OSError:
                raise LostError() from None

    def _readable(self) -> None:
        try:
            received = wire.receive(self._to)
        except BlockingIOError:
            return
        if received is None:
            self.close()
            self._lost()
            return
        answer, descriptors = received
        answered = self._asked.pop(answer.get("id", 0), None)
        if answered is None or answered.cancelled():
            for descriptor in descriptors:
                os.close(descriptor)
        else:
            answered.set_result((answer, descriptors))


def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
