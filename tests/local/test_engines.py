"""Images in a container engine: its command lines, and pods that a fake engine runs.

No engine is on the machines that run these tests: `FAKE` is a script that stands for one. It runs the entry
point as a process, and knows no image.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.local.cluster import SERVE, cluster
from tests.local.eventually import eventually
from tests.local.samples import changed, deployment, pod

from laneway.local.container import commands, engines
from laneway.local.container.containers import Command
from laneway.local.container.engines import Engine, Runtime, missing
from laneway.local.container.volumes import Mount
from laneway.local.logs import log_file
from laneway.local.process.markers import Part
from laneway.local.state import State
from laneway.spec.kubernetes import Container

FAKE = """#!/bin/sh
# A fake of docker: `run` becomes its entry point, `exec` runs beside it, `rm` kills it.
echo "$@" >> "$FAKE_DOCKER/calls"
verb=$1; shift
case $verb in
run)
  while [ $# -gt 0 ]; do
    case $1 in
      --name) name=$2; shift 2;;
      --entrypoint) entry=$2; shift 2;;
      --rm) shift;;
      --*) shift 2;;
      *) shift; break;;
    esac
  done
  echo $$ > "$FAKE_DOCKER/$name"
  exec "$entry" "$@";;
exec) shift; exec "$@";;
rm) [ -f "$FAKE_DOCKER/$2" ] && kill -9 "$(cat "$FAKE_DOCKER/$2")"; rm -f "$FAKE_DOCKER/$2";;
esac
exit 0
"""


def test_an_image_is_run_with_what_the_pod_says_of_it() -> None:
    """Values of variables are not among the words: a list of processes shows those to anybody."""
    said = {
        "name": "main",
        "image": "registry/web:1.2",
        "command": ["serve", "--all"],
        "args": ["-v"],
        "workingDir": "/srv",
        "resources": {"limits": {"memory": "64Mi", "cpu": "250m"}},
    }
    given = changed(pod(grace=7), container=Container.model_validate(said))
    mounts = [Mount(Path("/s/v"), "/etc/v", read_only=True), Mount(Path("/s/w"), "/w", read_only=False)]
    command = Command(["serve", "--all", "-v"], {"PIN": "77", "HOST": "127.64.33.0"}, contained=True)
    assert Engine("docker", "3f9a").run(given, command, mounts) == [
        "docker", "run", "--rm", "--name", "laneway_3f9a_shop_web-abcde",
        "--label", "laneway.dev/state=3f9a", "--label", "laneway.dev/pod=shop/web-abcde",
        "--network", "host", "--stop-timeout", "7",
        "--env", "HOST", "--env", "PIN",
        "--volume", "/s/v:/etc/v:ro", "--volume", "/s/w:/w",
        "--workdir", "/srv", "--memory", "67108864", "--cpus", "0.25",
        "--entrypoint", "serve", "registry/web:1.2", "--all", "-v",
    ]  # fmt: skip


def test_an_image_keeps_its_own_entry_point_where_none_is_written() -> None:
    """Arguments alone are given to it, as in Kubernetes."""
    said = {"name": "main", "image": "web", "args": ["-v"]}
    given = changed(pod(), container=Container.model_validate(said))
    command = commands.contained(given, lambda kind, key: None)
    argv = Engine("podman", "s").run(given, command, ())
    assert argv[0] == "podman" and argv[-2:] == ["web", "-v"] and "--entrypoint" not in argv
    assert Engine("podman", "s").beside(given.key) == ["podman", "exec", "laneway_s_shop_web-abcde"]
    assert Engine("podman", "s").remove(given.key) == ["podman", "rm", "--force", "laneway_s_shop_web-abcde"]


def test_an_engine_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes need none."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert missing(Runtime.PODMAN) == "podman is not installed: there is no program of that name on the PATH"
    assert missing(Runtime.PROCESS) == ""


async def test_pods_of_images_start_probe_restart_and_end(
    state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a fake engine: its program is the pod's process; at the end the container is removed by name."""
    fake = tmp_path / "docker"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(engines, "environment", lambda: {"FAKE_DOCKER": str(tmp_path)})
    more = {"image": "web:1", "readinessProbe": {"periodSeconds": 1, "exec": {"command": ["true"]}}}
    async with cluster(state, Engine("docker", "s")) as started:
        started.scale(deployment(command=SERVE, more=more, grace=2))
        await eventually(lambda: started.ready(1))
        (only,) = started.replicas.pods()
        log = log_file(state.logs, only.key, Part.APP)
        await eventually(lambda: "serves" in log.read_text())
        started.scale()
        await eventually(lambda: not started.replicas.pods())
    name = f"laneway_s_shop_{only.key.name}"
    calls = [line.split()[:3] for line in (tmp_path / "calls").read_text().splitlines()]
    assert calls[:2] == [["rm", "--force", name], ["run", "--rm", "--name"]]
    assert ["exec", name, "true"] in calls
    assert calls[-1] == ["rm", "--force", name]
