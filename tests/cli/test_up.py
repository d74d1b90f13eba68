"""`laneway up` and `laneway down`: what is refused, what is left. A whole life is in `tests/acceptance`."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import Daemon, Laneway

from laneway.local.container.engines import Runtime
from laneway.local.settings import runtime_of
from laneway.local.state import State
from laneway.local.store import Store

WRONG = """
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: web}
spec:
  workload: {deployment: web}
  service: {ports: [{port: 80}]}
  routing: {timout: 3s}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec:
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: a, image: "registry/other:1"}]}
"""


def test_a_second_up_is_refused_by_name_and_pid(daemon: Daemon, laneway: Laneway, tmp_path: Path) -> None:
    """It says how to change or stop the first one, which goes on."""
    (tmp_path / "wrong.yaml").write_text(WRONG)
    done = laneway("up", "-f", str(tmp_path / "wrong.yaml"))
    assert done.code == 1
    assert (
        f"error LW602: Laneway runs on {daemon.state.path} already, as process {daemon.process.pid}"
        in done.err
    )
    assert "stop it: laneway down" in done.err
    assert daemon.process.poll() is None


def test_an_engine_that_is_not_installed_is_refused(
    laneway: Laneway, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is made, with what to do instead."""
    monkeypatch.setenv("PATH", "/nowhere")
    done = laneway("up", "-f", ".", "--runtime", "docker")
    assert done.code == 1
    assert "error LW505: docker is not installed: there is no program of that name on the PATH" in done.err
    assert "install it, or run commands: --runtime process" in done.err
    assert not state.exists


def test_up_refuses_wrong_files_before_anything_starts(
    laneway: Laneway, tmp_path: Path, state: State
) -> None:
    """All problems at once, each with its place; no state is made."""
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG)
    done = laneway("up", "-f", str(file), "--detach")
    assert done.code == 1
    assert done.out == ""
    assert f"{file}:8:13: error LW201: unknown field spec.routing.timout" in done.err
    assert (
        f"{file}:17:35: error LW501: image registry/other:1 has no command to run on this machine" in done.err
    )
    assert 'add this line under `images:` in laneway.yaml: registry/other: "COMMAND' in done.err
    assert done.err.endswith("2 errors; nothing was applied\n")
    assert not state.path.exists()


def test_up_without_files_needs_a_state_to_resume(laneway: Laneway, state: State) -> None:
    """That is wrong usage."""
    done = laneway("up")
    assert done.code == 2
    assert f"{state.path} holds no state to resume" in done.err


def test_up_refuses_a_directory_with_other_files(laneway: Laneway, tmp_path: Path) -> None:
    """`down` would remove them."""
    (tmp_path / "laneway.yaml").write_text("images: {}\n")
    (tmp_path / "empty.yaml").write_text("")
    done = laneway("up", "-f", str(tmp_path / "empty.yaml"), "--state", str(tmp_path))
    assert done.code == 1
    assert "error LW603" in done.err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["empty.yaml", "laneway.yaml"]


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_up_refuses_a_port_that_is_none(laneway: Laneway, port: str) -> None:
    """That is wrong usage."""
    assert laneway("up", "-f", ".", "--port", port).code == 2


def test_down_ends_the_daemon_and_removes_the_state(
    own_daemon: Daemon, laneway: Laneway, state: State
) -> None:
    """It is asked through the API, and gone when the command returns."""
    done = laneway("down", "-o", "json")
    assert done.code == 0
    assert done.json == {
        "state": str(state.path),
        "pid": own_daemon.process.pid,
        "leftovers": 0,
        "removed": True,
    }
    assert own_daemon.process.wait(timeout=1) == 0
    assert not state.path.exists()
    assert not state.run.exists()


def test_down_can_keep_the_state(own_daemon: Daemon, laneway: Laneway, state: State) -> None:
    """Then the next command says how to resume it."""
    assert laneway("down", "--keep").code == 0
    assert state.exists
    done = laneway("status")
    assert "its state is there" in done.err
    assert "resume it: laneway up" in done.err


def test_down_works_after_the_daemon_was_killed(own_daemon: Daemon, laneway: Laneway, state: State) -> None:
    """Nobody answers, and nobody needs to."""
    own_daemon.process.kill()
    own_daemon.process.wait()
    assert laneway("down").code == 0
    assert not state.path.exists()


def test_down_removes_the_containers_of_a_daemon_that_was_killed(
    own_daemon: Daemon, laneway: Laneway, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By their label; where the engine does not, the state stays, since it names them."""
    with closing(Store(state.database, lambda: datetime.now(UTC))) as store:
        runtime_of(store, Runtime.DOCKER)
    own_daemon.process.kill()
    own_daemon.process.wait()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    fake, calls = tmp_path / "docker", tmp_path / "calls"
    fake.write_text("#!/bin/sh\necho the engine sleeps >&2; exit 1\n")
    fake.chmod(0o755)
    done = laneway("down")
    assert (done.code, state.exists) == (1, True)
    assert "error LW505: the containers of this state may be left: docker ps: the engine sleeps" in done.err
    fake.write_text(f'#!/bin/sh\necho "$@" >> {calls}; [ "$1" = rm ] || echo c0ffee\n')
    assert laneway("down").code == 0
    assert calls.read_text().splitlines() == [
        f"ps --all --quiet --filter label=laneway.dev/state={state.id}",
        "rm --force c0ffee",
    ]
    assert not state.path.exists()


def test_of_two_ups_at_once_the_second_is_refused_and_removes_nothing(
    laneway: Laneway, tmp_path: Path, state: State
) -> None:
    """Also where its files are wrong, for which an up of its own would take its new state away again."""
    (tmp_path / "wrong.yaml").write_text(WRONG)
    with state.starting():
        done = laneway("up", "-f", str(tmp_path / "wrong.yaml"))
        assert done.code == 1
        assert f"error LW602: another `laneway up` is starting on {state.path}" in done.err
        assert state.exists
    assert laneway("up", "-f", str(tmp_path / "wrong.yaml")).code == 1
    assert not state.exists, "it never began, so the one that failed takes it away"


def test_down_of_nothing_says_so(laneway: Laneway, state: State) -> None:
    """Twice is no error."""
    done = laneway("down")
    assert done.code == 0
    assert done.out == f"nothing to stop: no Laneway at {state.path}\n"


def test_down_leaves_a_directory_alone_that_is_no_state(laneway: Laneway, tmp_path: Path) -> None:
    """Whatever is named by mistake."""
    (tmp_path / "precious").write_text("")
    assert laneway("down", "--state", str(tmp_path)).code == 0
    assert (tmp_path / "precious").exists()
