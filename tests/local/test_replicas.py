"""Replicas as real processes: up, ready, crashed, drained, adopted, gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.local.cluster import SERVE, Cluster, cluster, ready_pods
from tests.local.eventually import eventually
from tests.local.samples import deployment

from laneway.local.logs import log_file
from laneway.local.network.addresses import Addresses
from laneway.local.pod.asking import ask
from laneway.local.pod.pods import Pod, Stage, Trouble
from laneway.local.pod.probes import Answer, Target
from laneway.local.process import procfs
from laneway.local.process.markers import Marker, Part, find, parts
from laneway.local.process.processes import clean_environment, kill_all, spawn
from laneway.local.state import State
from laneway.manifests.names import DRAIN_GRACE, DRAIN_LIMIT
from laneway.spec.meta import Key

NOW = timedelta(seconds=2)
WEB = Key("shop", "web")
SOON = {"periodSeconds": 1, "failureThreshold": 1, "httpGet": {"port": 8080}}


def web(replicas: int = 1, **fields: Any) -> dict[str, Any]:
    """A Deployment of servers."""
    return deployment(replicas=replicas, command=SERVE, **fields)


@asynccontextmanager
async def running(state: State) -> AsyncIterator[Cluster]:
    """Replicas that are stopped at the end."""
    async with cluster(state) as started:
        try:
            yield started
        finally:
            await started.replicas.stop(NOW)


def only(started: Cluster) -> Pod:
    """The one pod."""
    (pod,) = started.replicas.pods()
    return pod


async def get(pod: Pod, path: str = "/") -> Answer:
    """Ask the pod's application itself."""
    return await ask(Target(pod.app_address, pod.ports[8080], path, timedelta(seconds=2)))


def output(state: State, pod: Pod, part: Part = Part.APP) -> str:
    """What a part wrote."""
    return log_file(state.logs, pod.key, part).read_text()


async def test_a_deployment_gets_its_pods(state: State) -> None:
    """Each with an address of its own that its application answers on, and a sidecar; told when ready."""
    async with running(state) as started:
        started.scale(web(3))
        assert [pod.stage for pod in started.replicas.pods()] == [Stage.STARTING] * 3
        await eventually(lambda: started.ready(3))
        pods = started.replicas.pods(WEB)
        assert len({pod.app_address for pod in pods}) == 3
        assert all([(await get(pod)).ok for pod in pods])
        assert parts(find(state.id)).keys() == {
            (pod.key, part) for pod in pods for part in (Part.APP, Part.SIDECAR)
        }
        assert [pod.stage for pod in started.told].count(Stage.READY) == 3
        stored = started.store.get("Pod", pods[0].key)
        assert stored is not None
        assert (stored["status"]["ready"], stored["status"]["podIP"]) == (True, pods[0].pod_ip)


async def test_reconciling_a_settled_world_changes_nothing(state: State) -> None:
    """No event, no write."""
    async with running(state) as started:
        started.scale(web(2))
        await eventually(lambda: started.ready(2))
        before = started.store.resource_version(), started.history()
        started.replicas.reconcile()
        assert (started.store.resource_version(), started.history()) == before


async def test_a_pod_waits_for_its_sidecar(state: State) -> None:
    """However ready its application is; the mesh may say at once that it is."""
    async with running(state) as started:
        started.mesh.is_ready = False
        started.scale(web())
        await eventually(lambda: only(started).reason is Trouble.SIDECAR_NOT_READY)
        assert only(started).stage is Stage.STARTING
        started.mesh.is_ready = True
        started.replicas.sidecar_changed(only(started).key)
        await eventually(lambda: only(started).ready)


async def test_without_injection_there_is_no_sidecar(state: State) -> None:
    """Peers dial the application itself."""
    async with running(state) as started:
        started.mesh.is_ready = False
        started.scale(web(annotations={"sidecar.istio.io/inject": "false"}))
        await eventually(lambda: only(started).ready)
        assert [marked.marker.part for marked in find(state.id)] == [Part.APP]


async def test_a_drained_pod_ends_when_nobody_needs_it_any_more(state: State) -> None:
    """No new requests from now on; it serves until its peers have let go, then ends: application first."""
    async with running(state) as started:
        started.scale(web())
        await eventually(lambda: started.ready(1))
        pod = only(started)
        started.mesh.idle.clear()
        started.scale(web(0))
        assert ready_pods(started.replicas) == []
        assert started.told[-1].stage is Stage.DRAINING
        await eventually(lambda: started.mesh.leaving)
        assert (await get(pod)).ok
        started.mesh.idle.set()
        await eventually(lambda: not started.replicas.pods())
        assert "application ends" in output(state, pod)
        assert "sidecar ends" in output(state, pod, Part.SIDECAR)
        ends = [log_file(state.logs, pod.key, part).stat().st_mtime_ns for part in (Part.APP, Part.SIDECAR)]
        assert ends == sorted(ends)
        assert find(state.id) == []
        assert started.store.list("Pod") == []
        asked = "Deployment web asks for 0 of template " + pod.template
        assert started.history("draining", "deleted") == [("draining", asked), ("deleted", "drained")]


async def test_a_drain_has_its_limit(state: State) -> None:
    """After the grace period the pod goes, though it is still in use, and the history says so."""
    async with running(state) as started:
        started.scale(web(grace=0))
        await eventually(lambda: started.ready(1))
        started.mesh.idle.clear()
        started.scale()
        await eventually(lambda: not started.replicas.pods())
        assert started.history("draining", "not drained") == [
            ("draining", "its Deployment is gone"),
            ("not drained", "still in use after 0s"),
        ]


async def test_what_a_deployment_says_of_draining_counts_for_its_pods(state: State) -> None:
    """A long request is waited for beyond the grace period, up to the limit that stood there at its start."""
    async with running(state) as started:
        body = web(grace=0)
        body["metadata"]["annotations"] = {DRAIN_LIMIT: "10m", DRAIN_GRACE: "3s"}
        started.scale(body)
        await eventually(lambda: started.ready(1))
        pod = only(started)
        assert (pod.drains_for, pod.grace) == (timedelta(minutes=10), timedelta(seconds=3))
        started.mesh.idle.clear()
        started.scale()
        await eventually(lambda: started.mesh.leaving)
        assert (await get(pod)).ok
        started.mesh.idle.set()
        await eventually(lambda: not started.replicas.pods())
        assert started.history("not drained") == []


async def test_a_pod_that_never_served_goes_at_once(state: State) -> None:
    """Nobody can have a request in it."""
    async with running(state) as started:
        started.mesh.is_ready = False
        started.mesh.idle.clear()
        started.scale(web())
        started.scale()
        await eventually(lambda: not started.replicas.pods())
        assert started.mesh.leaving == []


async def test_a_crashed_application_is_started_again(state: State) -> None:
    """The pod is not ready meanwhile, keeps its addresses, and the history has the last words."""
    async with running(state) as started:
        started.scale(web())
        await eventually(lambda: started.ready(1))
        before = only(started)
        await get(before, "/crash")
        await eventually(lambda: not only(started).ready)
        assert only(started).message == "the application exited with status 3; next attempt after 0.5 s"
        await eventually(lambda: only(started).ready)
        after = only(started)
        assert (after.key, after.app_address, after.restarts) == (before.key, before.app_address, 1)
        assert after.processes[Part.APP] != before.processes[Part.APP]
        assert after.processes[Part.SIDECAR] == before.processes[Part.SIDECAR]
        (crash,) = [event for event in started.store.events(app="web") if event.change == "crashed"]
        assert crash.reason == "the application exited with status 3"
        assert crash.message == "serves\ntold to crash"


async def test_a_crashed_sidecar_takes_its_pod_out_until_it_is_back(state: State) -> None:
    """The application runs on."""
    async with running(state) as started:
        started.scale(web())
        await eventually(lambda: started.ready(1))
        before = only(started)
        os.kill(before.processes[Part.SIDECAR].pid, signal.SIGKILL)
        await eventually(lambda: only(started).stage is Stage.NOT_READY)
        assert only(started).message.startswith("the sidecar was killed by SIGKILL")
        await eventually(lambda: only(started).ready)
        assert only(started).processes[Part.APP] == before.processes[Part.APP]


async def test_a_command_that_cannot_be_started_is_the_pods_reason(state: State) -> None:
    """With the remedy where there is one, in the history too; tried again and again."""
    async with running(state) as started:
        started.scale(deployment("a", command=["no-such-command"]), deployment("b", command=[]))
        await eventually(lambda: all(pod.restarts == 2 for pod in started.replicas.pods()))
        first, second = started.replicas.pods()
        assert first.reason is second.reason is Trouble.CANNOT_START
        why = "the application cannot start: no-such-command: No such file or directory"
        assert first.message == f"{why}; next attempt after 1 s"
        assert "add it to laneway.yaml" in second.message
        assert ("not started", why) in started.history()


async def test_readiness_follows_the_probe(state: State, tmp_path: Path) -> None:
    """A failing probe takes the pod out, a good one back in, without a restart."""
    sick = tmp_path / "sick"
    async with running(state) as started:
        started.scale(web(probe=SOON, env=[{"name": "SICK", "value": str(sick)}]))
        await eventually(lambda: started.ready(1))
        sick.touch()
        await eventually(lambda: not only(started).ready)
        assert only(started).message.endswith(": 503")
        sick.unlink()
        await eventually(lambda: only(started).ready)
        assert only(started).restarts == 0


async def test_an_application_that_listens_everywhere_is_told_where_to_listen(state: State) -> None:
    """Its port is another replica's: the remedy stands beside the crash."""
    crash = ["sh", "-c", "echo 'OSError: [Errno 98] Address already in use'; exit 1"]
    async with running(state) as started:
        started.scale(deployment(command=crash))
        await eventually(lambda: only(started).restarts)
        why = "exited with status 1: its address is taken, so let it listen on $HOST, not on 0.0.0.0"
        assert started.history("crashed")[0] == ("crashed", f"the application {why}")


LIVE = {"periodSeconds": 1, "failureThreshold": 1, "httpGet": {"port": 8080}}


async def test_an_application_that_does_not_live_is_ended_and_started_again(
    state: State, tmp_path: Path
) -> None:
    """Its probe's last answer is told as the reason; its preStop hook runs before its SIGTERM."""
    sick, said = tmp_path / "sick", tmp_path / "said"
    more = {
        "livenessProbe": LIVE,
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", f"echo $POD_NAME > {said}"]}}},
    }
    async with running(state) as started:
        started.scale(
            web(env=[{"name": "SICK", "value": str(sick)}], probe={"tcpSocket": {"port": 8080}}, more=more)
        )
        await eventually(lambda: only(started).ready)
        pod = only(started)
        sick.touch()
        await eventually(lambda: only(started).restarts == 1)
        sick.unlink()
        why = f"livenessProbe: GET / on {pod.app_address}:8080: 503"
        ended = f"the application was ended: {why}"
        assert started.history("unhealthy", "crashed") == [("unhealthy", why), ("crashed", ended)]
        await eventually(lambda: only(started).ready)
        assert said.read_text().strip() == pod.key.name
        assert output(state, pod).count("application ends") == 1


async def test_the_start_has_its_own_probe_and_the_others_wait_for_it(state: State, tmp_path: Path) -> None:
    """A liveness probe that would fail is not asked until then."""
    begun = tmp_path / "begun"
    more = {
        "startupProbe": {
            "periodSeconds": 1,
            "failureThreshold": 60,
            "exec": {"command": ["cat", str(begun)]},
        },
        "livenessProbe": LIVE | {"exec": {"command": ["cat", str(begun)]}, "httpGet": None},
    }
    async with running(state) as started:
        started.scale(web(more=more))
        await eventually(lambda: "startupProbe" in only(started).message)
        assert not only(started).ready and not only(started).started
        assert (
            only(started).message
            == f"startupProbe: cat {begun}: exit status 1: cat: {begun}: No such file or directory"
        )
        begun.touch()
        await eventually(lambda: only(started).ready)
        assert (only(started).started, only(started).restarts) == (True, 0)


async def test_a_start_that_takes_too_long_is_begun_anew(state: State) -> None:
    """With the probe's last answer as the reason."""
    more = {"startupProbe": {"periodSeconds": 1, "failureThreshold": 1, "exec": {"command": ["false"]}}}
    async with running(state) as started:
        started.scale(web(more=more))
        await eventually(lambda: only(started).restarts)
        assert started.history("crashed") == [
            ("crashed", "the application was ended: startupProbe: false: exit status 1")
        ]


async def test_hooks_run_after_the_start_and_before_the_end(state: State, tmp_path: Path) -> None:
    """preStop when no request is in flight any more, and before SIGTERM."""
    story, moved = tmp_path / "story", tmp_path / "story.log"
    more = {
        "lifecycle": {
            "postStart": {"exec": {"command": ["sh", "-c", f"echo started >> {story}"]}},
            "preStop": {"exec": {"command": ["sh", "-c", f"echo stops >> {story}; cat {moved} >> {story}"]}},
        }
    }
    async with running(state) as started:
        started.mesh.idle.clear()
        started.scale(web(more=more))
        await eventually(lambda: only(started).ready)
        pod = only(started)
        started.scale(web(0, more=more))
        await eventually(lambda: started.mesh.leaving)
        assert story.read_text() == "started\n"
        log_file(state.logs, pod.key, Part.APP).rename(moved)
        started.mesh.idle.set()
        await eventually(lambda: not started.replicas.pods())
        assert story.read_text() == "started\nstops\nserves\n"
        assert moved.read_text() == "serves\napplication ends\n"


async def test_a_hook_that_fails_is_told(state: State) -> None:
    """After a start it ends the application; before an end it keeps nothing up."""
    failing = {"exec": {"command": ["sh", "-c", "echo no room; exit 7"]}}
    async with running(state) as started:
        started.scale(web(more={"lifecycle": {"postStart": failing}}))
        await eventually(lambda: only(started).restarts)
        (reason,) = [reason for _, reason in started.history("unhealthy")][:1]
        assert reason == "postStart: sh -c echo no room; exit 7: exit status 7: no room"


async def test_an_application_sees_its_volumes_and_what_becomes_of_them(state: State, tmp_path: Path) -> None:
    """A value that is not there is the pod's reason; a newer one comes to its file; all goes with the pod."""
    out = tmp_path / "out"
    more = {
        "volumeMounts": [{"name": "colors", "mountPath": "/etc/laneway-test/colors"}],
        "lifecycle": {"preStop": {"exec": {"command": ["cp", "/etc/laneway-test/colors/color", str(out)]}}},
    }
    body = web(more=more)
    body["spec"]["template"]["spec"]["volumes"] = [{"name": "colors", "configMap": {"name": "colors"}}]
    config = {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colors", "namespace": "shop"},
    }  # fmt: skip
    async with running(state) as started:
        started.scale(body)
        await eventually(lambda: only(started).reason is Trouble.CONFIGURATION)
        assert "there is no ConfigMap colors: apply it" in only(started).message
        started.store.put(config | {"data": {"color": "green"}}, "test", "")
        await eventually(lambda: only(started).ready)
        started.store.put(config | {"data": {"color": "red"}}, "test", "")
        started.replicas.update_volumes("shop")
        started.scale()
        await eventually(lambda: not started.replicas.pods())
        assert out.read_text() == "red"
        assert not any(state.volumes.iterdir())


async def test_a_changed_template_rolls_without_a_gap(state: State) -> None:
    """Never fewer ready pods than asked for, never more than one above, and in the end all are new."""
    async with running(state) as started:
        started.scale(web(2))
        await eventually(lambda: started.ready(2))
        old = {pod.template for pod in started.replicas.pods()}
        seen: list[tuple[int, int]] = []

        def rolled() -> bool:
            started.scale(web(2, env=[{"name": "NEW", "value": "1"}]))
            staying = [pod for pod in started.replicas.pods() if pod.stage is not Stage.DRAINING]
            seen.append((len(ready_pods(started.replicas)), len(staying)))
            return started.ready(2) and not old & {pod.template for pod in staying}

        await eventually(rolled)
        assert min(ready for ready, _ in seen) == 2
        assert max(count for _, count in seen) == 3


async def test_the_history_knows_how_many_pods_there_were(state: State) -> None:
    """At every moment, from the first to the last."""
    async with running(state) as started:
        started.scale(web(2))
        await eventually(lambda: started.ready(2))
        started.scale(web(1))
        await eventually(lambda: started.ready(1))
    async with cluster(state) as again:
        assert [count for _, count in again.store.pod_counts(WEB)] == [1, 2, 1, 0]


async def test_a_full_disk_stops_no_pod(state: State) -> None:
    """What happened meanwhile is written when there is room again, and a pod that was to go is gone then."""
    async with running(state) as started:
        started.scale(web())
        await eventually(lambda: started.ready(1))
        started.store.full = True
        await get(only(started), "/crash")
        await eventually(lambda: only(started).restarts == 1 and only(started).ready)
        started.store.full = False
        await eventually(lambda: stored(started)["restartCount"] == 1 and stored(started)["ready"])
        crashed = ("crashed", "the application exited with status 3")
        await eventually(lambda: crashed in started.history())
        started.scale()
        started.store.full = True
        await eventually(lambda: find(state.id) == [])
        assert only(started).stage is Stage.DRAINING
        started.store.full = False
        await eventually(lambda: not started.replicas.pods())
        assert started.store.list("Pod") == []


def stored(started: Cluster) -> dict[str, Any]:
    """The status of the one pod in the store."""
    (obj,) = started.store.list("Pod")
    status: dict[str, Any] = obj["status"]
    return status


async def kill_parent_of(state: State, *deployments: dict[str, Any]) -> None:
    """Let another process run the Deployments, and kill it when all pods are ready."""
    command = [sys.executable, "-m", "tests.local.cluster", str(state.path), json.dumps(deployments)]
    parent = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"ready\n"
    parent.kill()
    await parent.wait()


async def test_replicas_survive_a_kill_and_are_adopted(state: State) -> None:
    """The same processes serve on, ready without a break, and are ended as if they were our own."""
    await kill_parent_of(state, web(2))
    before = parts(find(state.id))
    assert len(before) == 4
    async with running(state) as started:
        assert started.ready(2)
        started.scale(web(2))
        await eventually(lambda: all(pod.ready for pod in started.told) and started.ready(2))
        assert parts(find(state.id)) == before
        assert started.told == []
        assert {
            (pod.key, part): identity
            for pod in started.replicas.pods()
            for part, identity in pod.processes.items()
        } == before
        started.scale(web(1))
        await eventually(lambda: started.ready(1))
        assert len(parts(find(state.id))) == 2
    assert find(state.id) == []


async def test_what_died_meanwhile_is_not_ready_and_started_again(state: State) -> None:
    """With what was left of it removed, in the pod of before."""
    await kill_parent_of(state, web(2))
    killed, left = sorted(key for key, part in parts(find(state.id)) if part is Part.APP)
    os.kill(parts(find(state.id))[killed, Part.APP].pid, signal.SIGKILL)
    await eventually(lambda: len(parts(find(state.id))) == 3)
    async with running(state) as started:
        assert [pod.key for pod in ready_pods(started.replicas)] == [left]
        started.scale(web(2))
        await eventually(lambda: started.ready(2))
        assert {pod.key for pod in started.replicas.pods()} == {killed, left}


async def test_what_belongs_to_no_pod_is_ended(state: State) -> None:
    """What was started but not recorded when the daemon died; gateways are another's to keep."""
    stray = Marker(state.id, 64, Key("shop", "web-gone"), Part.APP)
    gateway = Marker(state.id, 64, Key("istio-system", "ingress"), Part.GATEWAY)
    for marker in (stray, gateway):
        env = clean_environment() | marker.environment()
        (await spawn(["sleep", "60"], env, state.path, state.logs / "log")).forget()
    await eventually(lambda: len(find(state.id)) == 2)
    async with running(state):
        assert [marked.marker for marked in find(state.id)] == [gateway]
    await kill_all(state.id, NOW)


async def test_a_drain_goes_on_after_a_restart(state: State) -> None:
    """A pod that was on its way out does not come back."""
    async with cluster(state) as started:
        started.scale(web())
        await eventually(lambda: started.ready(1))
        started.mesh.idle.clear()
        started.scale()
        assert only(started).stage is Stage.DRAINING
    async with running(state) as again:
        await eventually(lambda: not again.replicas.pods())
    assert find(state.id) == []


async def test_pods_move_where_their_addresses_were_taken(state: State) -> None:
    """While nothing of them ran, another state may have claimed the block."""
    async with cluster(state) as started:
        started.scale(web())
        await eventually(lambda: started.ready(1))
        before = only(started)
    await kill_all(state.id, NOW)
    taken = Addresses.claim(state.id)
    try:
        async with running(state) as again:
            again.scale(web())
            await eventually(lambda: again.ready(1))
            assert only(again).key == before.key
            assert only(again).pod_ip.split(".")[1] != before.pod_ip.split(".")[1]
    finally:
        taken.close()


async def test_nothing_is_left_of_a_state(state: State) -> None:
    """No process, no port, no file."""
    async with running(state) as started:
        started.scale(web(2))
        await eventually(lambda: started.ready(2))
        addresses = {pod.app_address for pod in started.replicas.pods()}
        assert addresses <= {address for address, _ in procfs.listening()}
    assert find(state.id) == []
    assert not addresses & {address for address, _ in procfs.listening()}
    state.remove()
    assert not state.path.exists()
    assert not state.run.exists()


@pytest.mark.parametrize("name", ["x" * 63, "web"])
async def test_names_fit(state: State, name: str) -> None:
    """Of pods of Deployments of any name."""
    async with running(state) as started:
        started.scale(deployment(name, command=["sleep", "60"], ports=[]))
        await eventually(lambda: started.ready(1))
        assert only(started).key.name.startswith(name[:57] + "-")
        assert len(only(started).key.name) <= 63
