"""A pod as the store keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.local.samples import START, deployment, pod

from laneway.local.network.addresses import Pair
from laneway.local.pod.pods import Pod, Stage, Trouble, new_pod, pod_name, read_pod, status_of
from laneway.local.process.markers import Identity, Part

LOGS = {Part.APP: "/logs/app", Part.SIDECAR: "/logs/sidecar"}


def kept(given: Pod) -> Pod:
    """The pod after being written and read."""
    pair = Pair(given.pod_ip, given.app_address)
    obj = new_pod(deployment(), given.template, given.key.name, pair, lambda port: port, given.created)
    return read_pod(obj | {"status": status_of(given, LOGS)})


def test_a_new_pod_is_its_deployments_template() -> None:
    """With its labels and those that name its owner; nothing of it runs."""
    given = pod(labels={"laneway.dev/app": "web", "tier": "front"})
    assert given.labels == {
        "laneway.dev/app": "web",
        "tier": "front",
        "laneway.dev/deployment": "web",
        "pod-template-hash": "t1",
    }
    assert (given.stage, given.ready, given.ever_ready, given.processes) == (Stage.STARTING, False, False, {})
    assert given.grace == timedelta(seconds=30)


def test_a_pod_is_read_as_it_was_written() -> None:
    """A daemon that starts again goes on with the same pod."""
    busy = replace(
        pod(),
        stage=Stage.DRAINING,
        ever_ready=True,
        restarts=3,
        draining_since=START + timedelta(minutes=1),
        reason=Trouble.CRASHED,
        message="the application exited with status 1",
        processes={Part.APP: Identity(7, 8), Part.SIDECAR: Identity(9, 10)},
    )
    assert kept(pod()) == pod()
    assert kept(busy) == busy


def test_without_a_sidecar_peers_dial_the_application() -> None:
    """Both addresses are one."""
    plain = pod(annotations={"sidecar.istio.io/inject": "false"})
    assert plain.parts == (Part.APP,)
    assert plain.pod_ip == plain.app_address
    assert pod().parts == (Part.APP, Part.SIDECAR)


def test_a_status_tells_where_the_output_is() -> None:
    """As people look for it there."""
    status = status_of(replace(pod(), processes={Part.APP: Identity(7, 8)}), LOGS)
    assert status["logs"] == {"app": "/logs/app", "sidecar": "/logs/sidecar"}
    assert (status["phase"], status["podIP"]) == ("Running", "127.64.1.0")
    assert status["ports"] == [{"containerPort": 8080, "port": 8080}]


def test_a_long_name_is_cut_to_what_a_name_may_be() -> None:
    """63 characters, suffix included."""
    assert pod_name("web", "abcde") == "web-abcde"
    assert pod_name("x" * 63, "abcde") == "x" * 57 + "-abcde"
