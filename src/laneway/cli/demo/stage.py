"""Where the demo plays: a temporary state, the commands run on it, and requests to its ingress.

Must not know the story.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from laneway.cli.client import Client
from laneway.control.status import AppStatus, ReleaseStatus, Status
from laneway.local.http1 import Address
from laneway.local.state import State

COMMAND_SECONDS_MAX = 150.0
"""Longer than what the commands wait by themselves."""
HOST = "shop.example"
NAMESPACE = "shop"

_LANEWAY = (sys.executable, "-c", "from laneway.cli.main import main; main()")


class CommandFailedError(Exception):
    """A command ended with another exit code than 0. The message shows the command and what it said."""


def shop() -> Path:
    """The example's folder: in the installed package, else in the checkout."""
    packaged = Path(str(files("laneway"))) / "examples" / "shop"
    return packaged if packaged.is_dir() else Path(__file__).parents[4] / "examples" / "shop"


class Stage:
    """A running Laneway that nobody else uses."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.ingress = ""

    def run(self, *arguments: str) -> Any:
        """Run a command on the demo's state. Returns its JSON; raises CommandFailedError."""
        command = [*_LANEWAY, *arguments, "--state", str(self.state), "-o", "json"]
        shown_command = f"`laneway {' '.join(arguments)}`"
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False
            )
        except subprocess.TimeoutExpired:
            text = f"{shown_command} did not end within {COMMAND_SECONDS_MAX:g} s"
            raise CommandFailedError(text) from None
        if done.returncode:
            said = f"{done.stderr}{done.stdout}".strip()
            raise CommandFailedError(f"{shown_command} ended with {done.returncode}: {said}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    @property
    def address(self) -> Address:
        """Where the ingress gateway listens."""
        parts = urlsplit(self.ingress)
        return parts.hostname or "", parts.port or 80

    def status(self) -> Status:
        """Everything at this moment."""
        with self._client() as client:
            return client.status()

    def watch(
        self, app: str, revision: str, every_s: float = 0.25
    ) -> Iterator[tuple[AppStatus, ReleaseStatus]]:
        """An app and its release to a revision, now and at each change, at least every `every_s` seconds."""
        with self._client() as client:
            while True:
                status = client.status()
                yield (
                    next(seen for seen in status["apps"] if seen["name"] == app),
                    next(release for release in status["releases"] if release["revision"] == revision),
                )
                client.changed(status["version"], every_s)

    def ask(self, path: str, lane: str = "", times: int = 1) -> list[dict[str, Any]]:
        """The answers of the shop to requests of a lane, or of none. Raises httpx2.HTTPError."""
        headers = {"host": HOST} | ({"x-lane": lane} if lane else {})
        with httpx2.Client(base_url=self.ingress, headers=headers, timeout=10) as client:
            answers = [client.get(path) for _ in range(times)]
        return [answer.raise_for_status().json() for answer in answers]

    def _client(self) -> Client:
        return Client(State.at(self.state).api)


@contextmanager
def stage() -> Iterator[Stage]:
    """A stage in a temporary directory; whatever runs on it is taken down at the end."""
    state = Path(tempfile.mkdtemp(prefix="laneway-demo-"))
    made = Stage(state)
    try:
        yield made
    finally:
        if State.at(state).exists:
            made.run("down")
        shutil.rmtree(state, ignore_errors=True)


def typed() -> str:
    """What to type for `laneway` in this shell."""
    return "laneway" if shutil.which("laneway") else shown(Path(sys.executable).with_name("laneway"))


def shown(path: Path) -> str:
    """A path as one would type it here: relative where it lies below the working directory."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
