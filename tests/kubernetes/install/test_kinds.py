"""The kinds as a real API server has them: served, explained, listed, and read back as they were meant."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from tests.kubernetes.install.cluster import Cluster, app, lane, release
from tests.lab.api import Object
from tests.spec.test_problems import examples

from laneway.adoption.adopt import adopt
from laneway.kubernetes.install.admission import policies
from laneway.kubernetes.install.validations import VALIDATIONS
from laneway.plan.revision import revision_of
from laneway.spec.app import App
from laneway.spec.defaults import without_server_fields
from laneway.spec.load import Source, load, parse

pytestmark = pytest.mark.cluster

EXAMPLES = Path(__file__).parents[3] / "examples"
OURS = frozenset({"App", "Lane", "Mesh", "Release"})
ELSEWHERE = frozenset({"LW206", "LW212", "LW227", "LW307", "LW315", "LW318", "LW408"})
"""Codes whose example on the page is of another kind, or of several objects."""
TEMPLATE = {
    "metadata": {"labels": {"app": "pharmacy"}, "annotations": {"a": "b"}},
    "spec": {
        "serviceAccountName": "pharmacy",
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "initContainers": [{"name": "wait", "image": "busybox", "command": ["true"]}],
        "containers": [
            {
                "name": "pharmacy",
                "image": "a:b",
                "securityContext": {"runAsNonRoot": True},
                "resources": {"requests": {"cpu": 0.5, "memory": "128Mi"}, "limits": {"cpu": 1}},
                "ports": [{"containerPort": 8080}, {"containerPort": 53, "protocol": "UDP"}],
                "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            },
            {"name": "beside", "image": "c:d"},
        ],
        "volumes": [{"name": "data", "hostPath": {"path": "/data"}}],
    },
}
"""With what no model here knows."""
FULL: tuple[Object, ...] = (
    app(
        routing={
            "gateways": ["shop/public"],
            "hosts": ["shop.example"],
            "http": [{"match": [{"uri": {"prefix": "/a"}}], "retries": {"perTryTimeout": "2s"}}],
            "trafficPolicy": {"outlierDetection": {"interval": "5s"}, "connectionPool": {"http": {}}},
        },
        scale={
            "min": 2,
            "max": 9,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": 0.5}},
                }
            ],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60, "tolerance": 0.1}},
        },
        release={
            "steps": [{"weight": 0.5, "gates": [{"approval": {}}]}, {"weight": "20%"}, {"weight": 100}],
            "preview": {"header": "x-version"},
            "sticky": {"cookie": "c"},
            "judge": {"guardrails": [{"metric": "errors", "above": "5%", "quantile": 99.5}]},
            "rollback": {},
            "drain": {"grace": "30s"},
        },
    ),
    app("labs", scale={"replicas": 2}, release={}),
    lane(apps=[{"name": "pharmacy", "env": [{"name": "A"}]}], fallback={}, ttl="3d"),
    release(request={"verb": "pause", "at": "2026-01-31T12:00:00.123456Z"}),
)


def files(example: str) -> list[Path]:
    """The files of an example that hold objects."""
    return [path for path in sorted((EXAMPLES / example).glob("*.yaml")) if path.name != "laneway.yaml"]


def home(name: str) -> Object:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def ours(text: str) -> list[Object]:
    """The objects of our kinds, in a namespace that there is."""
    found = [obj for obj in yaml.safe_load_all(text) if isinstance(obj, dict) and obj.get("kind") in OURS]
    for obj in found:
        obj["metadata"] |= {"namespace": "default"} | ({"name": "default"} if obj["kind"] == "Mesh" else {})
    return found


def told() -> set[str]:
    """Codes that a rule or a policy names."""
    said = json.dumps([rule.written() for rules in VALIDATIONS.values() for rule in rules])
    return set(re.findall(r"\((LW[0-9]{3})\)", said + json.dumps(policies("istio-system"))))


@pytest.mark.parametrize("plural", ["apps", "lanes", "meshes", "releases"])
async def test_definitions_are_served(cluster: Cluster, plural: str) -> None:
    """None is refused, or called non-structural."""
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.laneway.dev"
    said = (await cluster.lab.api.get(path))["status"]["conditions"]
    assert {each["type"]: each["status"] for each in said} == {
        "NamesAccepted": "True",
        "Established": "True",
    }


@pytest.mark.parametrize("way", [(), ("--server-side",)], ids=["client-side", "server-side"])
async def test_an_example_is_taken(cluster: Cluster, way: tuple[str, ...]) -> None:
    """What runs on one machine is right for a cluster, by either way of kubectl."""
    await cluster.lab.apply(home("shop"))
    named = [part for path in files("shop") for part in ("-f", str(path))]
    said = await cluster.lab.kubectl("apply", "--dry-run=server", *way, *named)
    assert said.count("app.laneway.dev/") == 5


@pytest.mark.parametrize("example", ["library", "market"])
async def test_adopted_apps_are_taken(cluster: Cluster, example: str) -> None:
    """What plain systems become is right for a cluster, as it is written."""
    loaded = load([Source(path.name, path.read_text()) for path in files(example)], example)
    adopted = adopt(loaded.objects)
    assert adopted.apps
    await cluster.lab.apply(home(example))
    for each in adopted.apps:
        assert await cluster.refusal(each.written()) == ""


@pytest.mark.parametrize(("code", "wrong", "right"), list(examples()), ids=[each[0] for each in examples()])
async def test_the_cluster_agrees_with_the_page_of_problems(
    cluster: Cluster, code: str, wrong: str, right: str
) -> None:
    """What it recommends is taken; what it warns of is refused by that code where one object decides."""
    for obj in ours(right):
        assert await cluster.refusal(obj) == ""
    if code in told() - ELSEWHERE:
        assert any([f"({code})" in await cluster.refusal(obj) for obj in ours(wrong)])


@pytest.mark.parametrize("obj", FULL, ids=lambda obj: f"{obj['kind']} {obj['metadata']['name']}")
async def test_what_is_stored_means_what_was_written(cluster: Cluster, namespace: str, obj: Object) -> None:
    """Defaults that the API server fills in are those that reading would."""
    written = obj | {"metadata": obj["metadata"] | {"namespace": namespace}}
    stored = without_server_fields(await cluster.stored(written))
    assert parse(stored) == parse(written)


async def test_a_template_is_stored_as_it_was_written(cluster: Cluster, namespace: str) -> None:
    """So that its revision is the same, whatever else the pod template has."""
    stored = await cluster.stored(app(namespace=namespace, workload={"template": TEMPLATE}))
    assert stored["spec"]["workload"]["template"] == TEMPLATE


async def test_a_revision_survives_the_cluster(cluster: Cluster, namespace: str) -> None:
    """A template that a model reads has one revision, in a file and in a cluster."""
    template = {"spec": {"containers": [{"name": "a", "image": "b", "ports": [{"containerPort": 80}]}]}}
    written = app(namespace=namespace, workload={"template": template})
    before, after = parse(written), parse(without_server_fields(await cluster.stored(written)))
    assert isinstance(before, App) and isinstance(after, App)
    assert before.spec.workload.template and after.spec.workload.template
    assert revision_of(before.spec.workload.template) == revision_of(after.spec.workload.template)


async def test_defaults_are_told_where_they_are_filled_in(cluster: Cluster, namespace: str) -> None:
    """Not where nothing was written, and not in a list."""
    stored = await cluster.stored(
        app(namespace=namespace, release={"steps": [{"weight": 100}]}, scale={"min": 1})
    )
    assert stored["spec"]["release"] == {
        "steps": [{"weight": 100}],
        "onNew": "supersede",
        "keepOld": "0s",
    }
    assert stored["spec"]["scale"] == {"min": 1, "surge": "25%"}
    assert "routing" not in stored["spec"]


async def test_explain_says_what_the_models_say(cluster: Cluster) -> None:
    """`kubectl explain` has the sentences of the docstrings."""
    said = " ".join((await cluster.lab.kubectl("explain", "app.spec.release.steps")).split())
    assert "A weight that the new version reaches, holds at least `hold`" in said
    assert "onUnsure <string> enum: pause, rollback, promote What becomes of the release where" in said
    assert "The longest that the step may take, its hold included. Default: 30m." in said
    record = " ".join((await cluster.lab.kubectl("explain", "release.status")).split())
    assert "heldSince <string> When every proxy had confirmed the step's weight." in record


async def test_columns_show_where_things_stand(cluster: Cluster, namespace: str) -> None:
    """`kubectl get laneway` needs no other tool."""
    api = cluster.lab.api
    ready = {
        "type": "Ready",
        "status": "False",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-31T12:00:00Z",
        "reason": "NotServing",
        "message": "3 of 6 pods available",
    }
    version = {"image": "a:b", "wanted": 4, "pods": 4, "ready": 3}
    one = app(namespace=namespace)
    await api.apply(one)
    await api.set_status(
        one
        | {
            "status": {
                "observedGeneration": 1,
                "conditions": [ready],
                "stable": "0123456789",
                "release": None,
                "versions": [
                    version | {"revision": "0123456789", "role": "stable", "weight": 99.5, "served": 100},
                    version | {"revision": "9876543210", "role": "candidate", "weight": 0.5, "served": None},
                ],
                "replicas": 8,
                "findings": [{"code": "pods", "severity": "info", "text": "3 of 6 pods available"}],
            }
        }
    )
    green = lane(namespace=namespace, apps=[{"name": "pharmacy"}, {"name": "labs"}], ttl="1h")
    await api.apply(green)
    await api.set_status(
        green
        | {
            "status": {
                "header": {"x-lane": "green"},
                "expiresAt": "2026-01-31T13:00:00+00:00",
                "deployed": "pharmacy, labs",
                "conditions": [ready | {"status": "True"}],
            }
        }
    )
    first = release(namespace=namespace)
    await api.apply(first)
    began = {"startedAt": "2026-01-31T12:00:00Z", "stepStartedAt": "2026-01-31T12:00:00.5Z"}
    await api.set_status(first | {"status": {"phase": "Progressing", "step": 1, **began}})
    shown = await cluster.lab.kubectl("get", "lwapp,lwlane,lwrel", "-n", namespace)
    lines = [" ".join(line.split()[:-1]) for line in shown.splitlines() if line]
    assert lines == [
        "NAME STABLE WEIGHT READY PODS",
        "app.laneway.dev/pharmacy 0123456789 0.5 False 8",
        "NAME VALUE APPS READY EXPIRES",
        "lane.laneway.dev/green green pharmacy, labs True 2026-01-31T13:00:00+00:00",
        "NAME APP REVISION PHASE STEP",
        "release.laneway.dev/one pharmacy 0123456789 Progressing 1",
    ]


async def test_an_app_can_be_scaled(cluster: Cluster, namespace: str) -> None:
    """`kubectl scale` writes its fixed size, and is refused beside bounds."""
    fixed, bounded = (
        app("fixed", namespace, scale={"replicas": 2}),
        app("bounded", namespace, scale={"min": 1}),
    )
    for each in (fixed, bounded):
        await cluster.lab.apply(each)
    await cluster.lab.kubectl("scale", "lwapp", "fixed", "-n", namespace, "--replicas=3")
    stored = await cluster.stored(app("fixed", namespace))
    assert stored["spec"]["scale"]["replicas"] == 3
    with pytest.raises(RuntimeError, match="either `replicas`, or `min` and `max`"):
        await cluster.lab.kubectl("scale", "lwapp", "bounded", "-n", namespace, "--replicas=3")


async def test_whoever_may_write_an_app_does_not_write_its_status(cluster: Cluster, namespace: str) -> None:
    """Status has its own door."""
    stored = await cluster.stored(app(namespace=namespace) | {"status": {"stable": "invented"}})
    assert "status" not in stored
