"""The command line in this process, and daemons for it in processes of their own."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli import statuses

from laneway.cli.client import Client, NotRunningError
from laneway.cli.main import run
from laneway.control.status import Reference, Status
from laneway.local.state import State

START_SECONDS_MAX = 20.0


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its result; nothing else may be on standard output."""
        return json.loads(self.out)


Laneway = Callable[..., Done]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """The default state of this test's commands; its sockets may lie outside of `tmp_path`."""
    monkeypatch.setenv("LANEWAY_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("USER", "ada")
    monkeypatch.setenv("LOGNAME", "ada")
    made = State.at(tmp_path / "state")
    yield made
    made.remove()


@pytest.fixture
def laneway(capsys: pytest.CaptureFixture[str]) -> Laneway:
    """Runs a command line."""

    def command(*arguments: str) -> Done:
        capsys.readouterr()
        code = run(arguments)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return command


def until(met: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    end = time.monotonic() + START_SECONDS_MAX
    while not met():
        assert time.monotonic() < end
        time.sleep(0.005)


class Daemon:
    """A stand-in daemon: real socket, real API, an engine that says what it is told."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._versions = itertools.count(1)
        state.create()
        self.says(statuses.status())
        command = [sys.executable, "-m", "tests.cli.stand_in_engine", str(state.path)]
        self.process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        self._await()

    def says(self, status: Status) -> None:
        """From now on this is the status."""
        written = self.state.path / "status.new"
        written.write_text(json.dumps(status | {"version": next(self._versions)}))
        written.rename(self.state.path / "status.json")

    def asked(self, what: str) -> list[dict[str, Any]]:
        """What it was asked of this sort, oldest first."""
        file = self.state.path / "asked.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line for line in map(json.loads, lines) if line["asked"] == what]

    def stores(self, body: dict[str, Any]) -> None:
        """As if this object had been applied before."""
        with Client(self.state.api) as client:
            client.apply([body])
        self.forget()

    @contextmanager
    def answering(self, what: str, status: Status) -> Iterator[None]:
        """Says this status as soon as it is asked something of this sort."""

        def answer() -> None:
            until(lambda: bool(self.asked(what)))
            self.says(status)

        answering = threading.Thread(target=answer)
        answering.start()
        yield
        answering.join()

    def forget(self) -> None:
        """Nothing was asked yet."""
        (self.state.path / "asked.jsonl").unlink(missing_ok=True)

    def end(self) -> None:
        """End it, if it runs."""
        self.process.terminate()
        self.process.wait()
        self.state.remove()

    def _await(self) -> None:
        with Client(self.state.api) as client:
            until(lambda: self._answers(client))

    def _answers(self, client: Client) -> bool:
        assert self.process.poll() is None
        try:
            return client.ping()["pid"] == self.process.pid
        except NotRunningError:
            return False


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all tests that only ask it; to start one takes longer than most tests."""
    started = Daemon(State.at(tmp_path_factory.mktemp("shared") / "state"))
    yield started
    started.end()


@pytest.fixture
def daemon(shared: Daemon, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """The shared daemon as if just started, on the default state of this test's commands."""
    monkeypatch.setenv("LANEWAY_STATE", str(shared.state.path))
    shared.says(statuses.status())
    with Client(shared.state.api) as client:
        client.delete([reference(body) for body in client.objects("*")])
    shared.forget()
    return shared


@pytest.fixture
def own_daemon(state: State) -> Iterator[Daemon]:
    """A daemon for a test that ends it."""
    started = Daemon(state)
    yield started
    started.end()


def reference(body: Any) -> Reference:
    """What names an object."""
    metadata = body["metadata"]
    return {"kind": body["kind"], "namespace": metadata["namespace"], "name": metadata["name"]}
