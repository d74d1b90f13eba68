"""`laneway describe`: one object on one page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.cli.conftest import Daemon, Laneway
from tests.cli.statuses import finding, lane, release, status

from laneway.local.network.addresses import Pair
from laneway.local.pod.pods import new_pod


def pod(name: str, labels: dict[str, str]) -> dict[str, Any]:
    """A pod that starts."""
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "pharmacy"}]}}
    deployment = {"metadata": {"name": "pharmacy-r1", "namespace": "shop"}, "spec": {"template": template}}
    return new_pod(deployment, "t", name, Pair("127.0.0.2", "127.0.0.3"), int, datetime.now(UTC))


def stores_pharmacy(daemon: Daemon) -> None:
    """An app with one pod of its own."""
    spec = {"workload": {"deployment": "pharmacy"}, "service": {"ports": [{"port": 80}]}}
    metadata = {"name": "pharmacy", "namespace": "shop", "labels": {"team": "ada"}}
    daemon.stores({"apiVersion": "laneway.dev/v1alpha1", "kind": "App", "metadata": metadata, "spec": spec})
    daemon.stores(pod("pharmacy-r1-a", {"laneway.dev/app": "pharmacy"}))
    daemon.stores(pod("page-r1-a", {"laneway.dev/app": "page"}))


def test_an_app_is_described_by_its_name_alone(daemon: Daemon, laneway: Laneway) -> None:
    """With its defaults, its versions, its pods, the report's lines about it, and its events."""
    stores_pharmacy(daemon)
    daemon.says(status(findings=[finding("pharmacy stays at 20 %"), finding("page waits", name="page")]))
    done = laneway("describe", "pharmacy")
    assert done.code == 0, done
    out = done.out
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == "App shop/pharmacy"
    assert "labels       team: ada" in lines
    assert "onNew: supersede" in lines, "a default"
    assert "stable: r1" in lines
    assert [line.split()[0] for line in lines if "Starting" in line] == ["pharmacy-r1-a"]
    assert "pharmacy stays at 20 %" in lines
    assert "page waits" not in lines
    assert lines[-1].endswith("App pharmacy  created  laneway up")


def test_a_description_is_one_json_document(daemon: Daemon, laneway: Laneway) -> None:
    """Of any kind, found by its short name and with its namespace."""
    stores_pharmacy(daemon)
    found = laneway("describe", "app", "shop/pharmacy", "-o", "json").json
    assert found["object"]["metadata"]["name"] == "pharmacy"
    assert found["state"]["stable"] == "r1"
    assert found["pods"] == ["pharmacy-r1-a"]


def test_a_lane_is_described(daemon: Daemon, laneway: Laneway) -> None:
    """With its header and what it deploys."""
    metadata = {"name": "green", "namespace": "shop"}
    daemon.stores({"apiVersion": "laneway.dev/v1alpha1", "kind": "Lane", "metadata": metadata, "spec": {}})
    daemon.says(status(lanes=[lane()]))
    found = laneway("describe", "lane", "green", "-o", "json").json
    assert found["state"]["header"] == {"x-lane": "green"}


def test_a_release_of_several_apps_is_described_app_by_app(daemon: Daemon, laneway: Laneway) -> None:
    """Each has a step, a weight and an end of its own."""
    parts = [{"name": "cart", "revision": "r7"}, {"name": "pharmacy", "revision": "r2"}]
    metadata = {"name": "both", "namespace": "shop"}
    body = {"apiVersion": "laneway.dev/v1alpha1", "kind": "Release", "metadata": metadata}
    daemon.stores(body | {"spec": {"apps": parts}})
    daemon.says(status(releases=[release("both", app="cart"), release("both")]))
    found = laneway("describe", "release", "both", "-o", "json").json
    assert [part["app"] for part in found["state"]] == ["cart", "pharmacy"]


def test_describe_of_what_is_not_there_says_how_to_list(daemon: Daemon, laneway: Laneway) -> None:
    """As an error."""
    done = laneway("describe", "lane", "green")
    assert done.code == 1
    assert "error LW607: there is no Lane green\n  list them: laneway get lane" in done.err


def test_a_deployment_outside_any_app_is_described_by_its_name_alone_too(
    daemon: Daemon, laneway: Laneway
) -> None:
    """As every other command takes it."""
    template = {"metadata": {"labels": {"app": "labs"}}, "spec": {"containers": [{"name": "main"}]}}
    spec = {"selector": {"matchLabels": {"app": "labs"}}, "template": template}
    metadata = {"name": "labs", "namespace": "shop"}
    daemon.stores({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    sizes = {"wanted": 1, "pods": 1, "ready": 1}
    daemon.says(status(workloads=[{"namespace": "shop", "name": "labs", "ready": True, "replicas": sizes}]))
    assert laneway("describe", "labs").out.startswith("Deployment shop/labs\n")
    assert "there is no app or Deployment lbs" in laneway("describe", "lbs").err
