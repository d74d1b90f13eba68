"""`laneway restart` and `laneway exec`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Daemon, Laneway
from tests.cli.statuses import status

from laneway.local.container.engines import Engine
from laneway.local.network.addresses import Pair
from laneway.local.pod.pods import new_pod
from laneway.local.settings import KEY, KIND
from laneway.spec.meta import Key

PROGRAM = Path(sys.executable).with_name("laneway")


def test_restart_names_the_pods_that_are_replaced(daemon: Daemon, laneway: Laneway) -> None:
    """With who asked, and why."""
    done = laneway("restart", "pharmacy", "--lane", "green", "--reason", "new keys")
    assert (done.code, done.out) == (0, "replacing 1 pod: pharmacy-1\n")
    (asked,) = daemon.asked("restart")
    assert (asked["which"]["app"], asked["which"]["lane"], asked["by"], asked["reason"]) == (
        "pharmacy", "green", "ada", "new keys",
    )  # fmt: skip
    assert laneway("restart", "pharmacy", "-o", "json").json == {"pods": ["pharmacy-1"]}


@pytest.fixture
def replica(daemon: Daemon, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for the application of a pod of pharmacy."""
    folder = tmp_path / "folder"
    folder.mkdir()
    env = {"PATH": os.environ["PATH"], "VERSION": "blue"}
    process = subprocess.Popen(["sleep", "60"], env=env, cwd=folder)
    deployment = {
        "metadata": {"name": "pharmacy", "namespace": "shop"},
        "spec": {
            "template": {
                "metadata": {"labels": {"laneway.dev/app": "pharmacy"}},
                "spec": {"containers": [{"name": "pharmacy"}]},
            }
        },
    }
    pod = new_pod(deployment, "t", "pharmacy-1", Pair("127.0.0.2", "127.0.0.3"), int, datetime.now(UTC))
    pod["status"]["processes"] = {"app": {"pid": process.pid, "started": 1, "boot": "b"}}
    daemon.stores(pod)
    daemon.stores(settings("process"))
    yield process
    process.kill()
    process.wait()


def settings(runtime: str) -> dict[str, Any]:
    """What a state keeps of how it was started."""
    metadata = {"name": KEY.name, "namespace": KEY.namespace}
    return {"kind": KIND, "metadata": metadata, "spec": {"runtime": runtime}}


def executed(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """`laneway exec` in a process of its own, which becomes the command."""
    return subprocess.run(
        [PROGRAM, "exec", *arguments], input=given, capture_output=True, text=True, timeout=30, check=False
    )


def test_exec_runs_where_a_replica_runs(replica: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """With its variables and no others, in its folder."""
    done = executed("pharmacy", "--", "sh", "-c", "echo $VERSION $LANEWAY_STATE; pwd")
    assert done.stdout.splitlines() == ["blue", str(tmp_path / "folder")]


def test_exec_ends_as_the_command_does(replica: subprocess.Popen[bytes]) -> None:
    """With its exit code; options of the command are its own."""
    assert executed("pharmacy", "sh", "-c", "exit 7").returncode == 7


def test_exec_of_a_program_that_is_not_there_says_so(replica: subprocess.Popen[bytes]) -> None:
    """So does one where no replica runs."""
    done = executed("pharmacy", "--", "no-such-program")
    assert done.returncode == 1
    assert "error LW607: no-such-program is not there" in done.stderr
    done = executed("--lane", "green", "pharmacy", "--", "true")
    assert done.returncode == 1
    assert "error LW607: no replica of pharmacy runs in lane green" in done.stderr


def test_exec_in_a_container_is_its_engines(
    replica: subprocess.Popen[bytes],
    daemon: Daemon,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With standard input; a terminal is one there too, where it is one here."""
    daemon.stores(settings("docker"))
    fake = tmp_path / "docker"
    fake.write_text('#!/bin/sh\necho "$@"; cat; exit 7\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = executed("pharmacy", "--", "cat", "-n", given="typed")
    assert done.stdout == f"exec --interactive laneway_{daemon.state.id}_shop_pharmacy-1 cat -n\ntyped"
    assert done.returncode == 7
    name = f"laneway_{daemon.state.id}_shop_pharmacy-1"
    beside = Engine("podman", daemon.state.id).beside(
        Key("shop", "pharmacy-1"), interactive=True, terminal=True
    )
    assert beside == ["podman", "exec", "--interactive", "--tty", name]


def test_exec_with_options_after_the_app_says_where_they_stand(daemon: Daemon, laneway: Laneway) -> None:
    """They would be the command otherwise; and one is needed."""
    done = laneway("exec", "pharmacy", "--lane", "green", "--", "env")
    assert done.code == 2
    assert "options stand before pharmacy: laneway exec --lane … pharmacy -- COMMAND" in done.err
    done = laneway("exec", "pharmacy", "--")
    assert done.code == 2
    assert "COMMAND" in done.err


def test_what_runs_is_listed_where_nothing_has_the_name(daemon: Daemon, laneway: Laneway) -> None:
    """Deployments outside any App too, which every one of these commands takes."""
    daemon.says(status(workloads=[{"namespace": "shop", "name": "labs", "ready": True, "replicas": {}}]))
    done = laneway("restart", "lbs")
    assert done.code == 1
    assert "error LW607: there is no app or Deployment lbs" in done.err
    assert "shop/labs, shop/pharmacy" in done.err
