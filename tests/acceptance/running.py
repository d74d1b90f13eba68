"""A Laneway under test: the commands as a user runs them, in a state of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.acceptance.flood import Answer, flood

from laneway.cli.client import Client
from laneway.control.status import AppStatus, Status
from laneway.local.http1 import Address, Request
from laneway.local.state import State
from laneway.mesh.envoy import Admin

PROGRAM = Path(sysconfig.get_path("scripts")) / "laneway"
COMMAND_SECONDS_MAX = 320.0


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON: nothing else may be on standard output."""
        return json.loads(self.out)


class Laneway:
    """One state directory, and what runs on it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.ingress = ""

    def run(self, *arguments: str) -> Done:
        """Any command, whatever its exit code."""
        done = subprocess.run(
            [str(PROGRAM), "--state", str(self.state), *arguments],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str) -> Any:
        """The JSON of a command that has to succeed."""
        done = self.run(*arguments, "-o", "json")
        assert done.code == 0, f"laneway {' '.join(arguments)}: {done.code}\n{done.err}{done.out}"
        return done.json

    def up(self, *paths: Path, options: Sequence[str] = ()) -> Any:
        """`laneway up` in the background; returns its JSON."""
        files = [word for path in paths for word in ("-f", str(path))]
        up = self.json("up", *files, "--detach", *options)
        self.ingress = up["ingress"]
        return up

    def apply(self, path: Path, *options: str) -> Any:
        """`laneway apply`; without `--wait` it does not wait for what follows."""
        return self.json("apply", "-f", str(path), *options)

    @property
    def address(self) -> Address:
        """Where the ingress gateway listens."""
        parts = urlsplit(self.ingress)
        assert parts.hostname and parts.port
        return parts.hostname, parts.port

    def ask(self, host: str, path: str = "/", lane: str = "") -> Answer:
        """One request through the ingress."""
        headers = {"x-lane": lane} if lane else {}
        return flood(self.address, [Request(host, path, headers)])[0]

    def status(self) -> Status:
        """What `laneway status` shows, without a process for each look."""
        with Client(State.at(self.state).api) as client:
            return client.status()

    def app(self, name: str) -> AppStatus:
        """One app of the status."""
        return next(app for app in self.status()["apps"] if app["name"] == name)

    def pods(self) -> int:
        """How many pods exist, starting and draining ones included."""
        return len(self.pod_objects())

    def pod_objects(self) -> list[Any]:
        """Every pod as the store keeps it."""
        with Client(State.at(self.state).api) as client:
            return list(client.objects("Pod"))

    def until(self, what: str, condition: Callable[[], bool], seconds: float = 30) -> None:
        """Waits for a condition; fails with what was waited for, and why nothing moves."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}\n{self.status()}"
            time.sleep(0.05)

    def until_serves(self, app: str, weights: dict[str, float]) -> None:
        """Waits until these weights, by image tag, are all that proxies serve of an app."""
        self.until(f"{app} is served by {weights}", lambda: served(self.app(app)) == weights)

    def until_served(self, app: str, weight: int) -> None:
        """Waits until every proxy serves some version of the app with this weight."""
        self.until(f"{app} has a version at {weight} %", lambda: weight in served(self.app(app)).values())

    def sent_again(self, host: str) -> int:
        """How many requests to hosts with this text in their name proxies have sent more than once so far."""
        pattern = rf"^cluster\.outbound\|.*{host}.*\.upstream_rq_retry$"

        async def ask() -> int:
            found = State.at(self.state).run.glob("proxy-*.sock")
            sockets = [socket for socket in found if "." not in socket.stem]  # the others are ports of pods
            return sum([sum((await Admin(socket).stats(pattern)).values()) for socket in sockets])

        return asyncio.run(ask())

    @property
    def daemon(self) -> int:
        """Process id of the daemon."""
        pid = State.at(self.state).holder()
        assert pid is not None
        return pid

    def kill_daemon(self) -> None:
        """`kill -9` of laneway alone."""
        os.kill(self.daemon, signal.SIGKILL)
        self.until("the daemon is gone", lambda: State.at(self.state).holder() is None)

    def processes(self) -> list[int]:
        """Process ids of everything that carries this state's id."""
        mark = f"LANEWAY_STATE={State.at(self.state).id}".encode()
        names = (entry.name for entry in Path("/proc").iterdir())
        return [int(name) for name in names if name.isdigit() and mark in _environment(name)]

    def end(self) -> None:
        """Takes everything down, and whatever a broken `down` left."""
        if State.at(self.state).exists:
            self.run("down")
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)


def served(app: AppStatus) -> dict[str, float]:
    """The weights that every proxy serves, by image tag, without zeros."""
    weights = {version["image"].rpartition(":")[2]: version["served"] for version in app["versions"]}
    return {tag: weight for tag, weight in weights.items() if weight}


def _environment(pid: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
