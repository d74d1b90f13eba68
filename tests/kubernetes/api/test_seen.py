"""What is kept of an object, and how little memory it takes."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import orjson
import pytest

from laneway.kubernetes.api.seen import LAST_APPLIED, Owner, PodSeen, pod_seen, seen
from laneway.spec.meta import Key

LABELS = frozenset({"laneway.dev/app", "laneway.dev/revision"})
BYTES_PER_POD_MAX = 1000


def virtual_service() -> dict[str, Any]:
    """As an API server has it, with all its bookkeeping."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {
            "name": "pharmacy",
            "namespace": "shop",
            "uid": "2b97ffe3-48fe-46c4-8828-7f3c43fe48db",
            "resourceVersion": "210",
            "generation": 4,
            "creationTimestamp": "2026-11-28T04:04:50Z",
            "labels": {"laneway.dev/app": "pharmacy"},
            "annotations": {"team": "health", LAST_APPLIED: '{"large": true}'},
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "origin", "uid": "1"},
                {
                    "apiVersion": "laneway.dev/v1alpha1",
                    "kind": "App",
                    "name": "pharmacy",
                    "uid": "2",
                    "controller": True,
                },
            ],
            "managedFields": [{"manager": "laneway", "fieldsV1": {"f:spec": {}}}],
        },
        "spec": {"hosts": ["pharmacy"], "http": [{"route": [{"destination": {"host": "pharmacy"}}]}]},
    }


def pod(name: str = "pharmacy-0", **changes: Any) -> dict[str, Any]:
    """As the kubelet reports it, about 4 kB."""
    container = {
        "name": "app",
        "image": "registry.example/pharmacy:1",
        "env": [{"name": f"VARIABLE_{number}", "value": "x" * 30} for number in range(30)],
    }
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": "2026-11-28T04:04:50Z"}
        for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"2b97ffe3-48fe-46c4-8828-{abs(hash(name)):012d}"[:36],
            "resourceVersion": "210",
            "labels": {"laneway.dev/app": "pharmacy", "laneway.dev/revision": "8f2c1", "other": name},
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}],
        },
        "spec": {"containers": [container], "nodeName": "node-1"},
        "status": {"phase": "Running", "podIP": "10.1.2.3", "conditions": conditions},
    }
    return body | changes


def kept(body: dict[str, Any]) -> PodSeen:
    """What is kept of a pod."""
    return pod_seen(LABELS)(orjson.dumps(body))


def test_an_object_is_kept_whole_without_what_only_managers_need() -> None:
    """The fields that everything asks for are at hand."""
    found = seen(orjson.dumps(virtual_service()))
    assert (found.kind, found.key, found.resource_version) == (
        "VirtualService",
        Key("shop", "pharmacy"),
        "210",
    )
    assert (found.uid[:4], found.generation, found.created) == ("2b97", 4, "2026-11-28T04:04:50Z")
    assert found.labels == {"laneway.dev/app": "pharmacy"}
    assert found.annotations == {"team": "health"}
    assert not found.deleting
    assert found.controller == Owner("App", "pharmacy", "2", True)
    assert [owner.kind for owner in found.owners] == ["ConfigMap", "App"]
    expected = virtual_service()
    del expected["metadata"]["managedFields"], expected["metadata"]["annotations"][LAST_APPLIED]
    assert found.body() == expected
    assert LAST_APPLIED.encode() not in found.raw


def test_a_body_can_be_changed_without_changing_what_is_kept() -> None:
    """Each is decoded anew."""
    found = seen(orjson.dumps(virtual_service()))
    found.body()["spec"]["hosts"].append("other")
    assert found.body()["spec"]["hosts"] == ["pharmacy"]


def test_an_object_with_the_least_that_there_can_be_is_kept_too() -> None:
    """Of the whole cluster, with null where lists and maps may be."""
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": "a",
            "labels": None,
            "annotations": None,
            "ownerReferences": None,
            "creationTimestamp": None,
        },
    }
    found = seen(orjson.dumps(body))
    assert (found.key, found.labels, found.annotations, found.owners) == (Key("", "a"), {}, {}, ())
    assert found.controller is None


def test_an_object_that_is_to_end_says_so() -> None:
    """It is still there until its finalizers are done."""
    body = virtual_service()
    body["metadata"]["deletionTimestamp"] = "2026-11-28T05:00:00Z"
    assert seen(orjson.dumps(body)).deleting


def test_a_pod_is_kept_as_far_as_releases_ask() -> None:
    """Of its labels only those wanted."""
    found = kept(pod())
    assert found.key == Key("shop", "pharmacy-0")
    assert found.labels == {"laneway.dev/app": "pharmacy", "laneway.dev/revision": "8f2c1"}
    assert (found.ready, found.deleting, found.ip, found.phase) == (True, False, "10.1.2.3", "Running")


def test_a_pod_that_has_just_been_made_has_neither_address_nor_readiness() -> None:
    """Its status is nearly empty."""
    found = kept(pod(status={"phase": "Pending"}))
    assert (found.ready, found.ip, found.phase) == (False, "", "Pending")
    assert not kept(pod(status={})).ready


@pytest.mark.parametrize(
    ("place", "content"),
    [
        ("annotation", {"sidecar.istio.io/status": "{}"}),
        ("containers", [{"name": "app"}, {"name": "istio-proxy"}]),
        ("initContainers", [{"name": "istio-proxy", "restartPolicy": "Always"}]),
    ],
)
def test_a_sidecar_is_found_however_it_came(place: str, content: Any) -> None:
    """Told by the injector, or among the containers, of which native sidecars are started first."""
    body = pod()
    assert not kept(body).sidecar
    if place == "annotation":
        body["metadata"]["annotations"] = content
    else:
        body["spec"][place] = content
    assert kept(body).sidecar


def test_a_pod_that_is_nothing_but_a_proxy_is_a_gateway() -> None:
    """It serves routes of its own and no app."""
    body = pod()
    body["spec"]["containers"] = [{"name": "istio-proxy"}]
    assert kept(body).gateway
    assert not kept(pod()).gateway


def test_changes_that_nobody_asks_for_are_no_changes() -> None:
    """A pod whose other labels or times changed is equal to what it was."""
    before, after = pod(), pod()
    after["metadata"]["resourceVersion"] = "999"
    after["metadata"]["labels"]["other"] = "changed"
    after["status"]["conditions"][0]["lastTransitionTime"] = "2026-11-28T09:00:00Z"
    assert kept(before) == kept(after)


def test_a_pod_takes_less_than_a_kilobyte() -> None:
    """With its place in a dict; what pods have in common is there once."""
    decode = pod_seen(LABELS)
    contents = [orjson.dumps(pod(f"pharmacy-7d4b9c6f5-{number:05}")) for number in range(2000)]
    gc.collect()
    tracemalloc.start()
    pods = {found.key: found for found in map(decode, contents)}
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / len(pods) < BYTES_PER_POD_MAX
