"""`laneway get`: kinds and names, and what tables show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from tests.cli.conftest import Daemon, Laneway
from tests.cli.statuses import app, lane, release, status, version

from laneway.cli.client import Client
from laneway.cli.get import Look, Seen, changed_lines, look_at
from laneway.cli.options import Format
from laneway.cli.tables import World, columns_of, kind_of, short

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def obj(kind: str, name: str, spec: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    """An object that is three minutes old."""
    metadata = {"name": name, "namespace": "shop", "creationTimestamp": "2026-01-01T11:57:00+00:00"}
    return {"kind": kind, "metadata": metadata, "spec": spec or {}} | given


def row(body: dict[str, Any], **world: Any) -> dict[str, str]:
    """The object's row, by column."""
    columns, fill = columns_of(body["kind"])
    given: dict[str, Any] = {"status": status(), "apps": [], "pods": [], "now": NOW} | world
    return dict(zip(columns, fill(body, World(**given)), strict=True))


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        ("app", "App"),
        ("Apps", "App"),
        ("vs", "VirtualService"),
        ("po", "Pod"),
        ("deploy", "Deployment"),
        ("all", "*"),
    ],
)
def test_kinds_have_short_and_long_names(named: str, kind: str) -> None:
    """In any case of letters."""
    assert kind_of(named) == kind


def test_get_of_an_unknown_kind_lists_the_kinds(laneway: Laneway) -> None:
    """That is wrong usage."""
    done = laneway("get", "pharmacy")
    assert done.code == 2
    assert "the kinds are app, lane, mesh, rel" in done.err


def test_get_prints_one_object_with_the_defaults_of_what_was_left_out(
    daemon: Daemon, laneway: Laneway
) -> None:
    """So that nobody needs to know them by heart."""
    mesh = {"apiVersion": "laneway.dev/v1alpha1"} | obj("Mesh", "default")
    daemon.stores(mesh)
    found = yaml.safe_load(laneway("get", "mesh", "default", "-o", "yaml").out)
    assert found["metadata"] == mesh["metadata"]
    assert found["spec"]["lane"]["header"] == "x-lane"


def test_get_prints_several_objects_as_a_list(daemon: Daemon, laneway: Laneway) -> None:
    """Of several kinds."""
    servers = [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]
    gateway = obj("Gateway", "public", {"selector": {"istio": "ingress"}, "servers": servers})
    service = obj("Service", "page", {"ports": [{"port": 80}]})
    for body in (obj("Mesh", "default"), gateway, service):
        daemon.stores(body)
    done = laneway("get", "mesh,gw", "-o", "json")
    assert [item["kind"] for item in done.json["items"]] == ["Mesh", "Gateway"]
    assert laneway("get", "all", "-o", "name").out.split() == [
        "mesh/default",
        "gateway/public",
        "service/page",
    ]


def test_get_of_a_missing_name_is_an_error(daemon: Daemon, laneway: Laneway) -> None:
    """Also where others were found."""
    daemon.stores(obj("Mesh", "default"))
    done = laneway("get", "mesh", "default", "other")
    assert done.code == 1
    assert "error LW607: there is no mesh other" in done.err


def test_get_of_nothing_is_no_error(daemon: Daemon, laneway: Laneway) -> None:
    """A list may be empty."""
    done = laneway("get", "lane")
    assert (done.code, done.out) == (0, "nothing found\n")


def test_app_shows_weights_pods_and_release() -> None:
    """Of all its versions."""
    seen = app(versions=[version("r1", 80, 4, 4), version("r2", 20, 1, 2)], release="pharmacy-1")
    shown = row(obj("App", "pharmacy", {"routing": {"hosts": ["shop.example"]}}), status=status(apps=[seen]))
    assert shown == {
        "namespace": "shop",
        "name": "pharmacy",
        "stable": "r1",
        "traffic": "r1 80%, r2 20%",
        "pods": "5/6",
        "release": "pharmacy-1",
        "hosts": "shop.example",
        "age": "3m",
    }


def test_lane_shows_header_and_pods_of_its_apps() -> None:
    """It is ready when every proxy knows it too."""
    shown = row(obj("Lane", "green"), status=status(lanes=[lane(confirmed=False)]))
    assert (shown["header"], shown["apps"], shown["ready"]) == ("x-lane: green", "pharmacy 1/1", "no")


def test_deployment_counts_its_ready_pods() -> None:
    """An App's template runs nothing by itself."""
    template = {"spec": {"containers": [{"image": "registry/labs:1"}]}}
    labs = obj("Deployment", "labs", {"replicas": 2, "template": template})
    pod = obj("Pod", "labs-1", status={"stage": "Ready"})
    pod["metadata"]["labels"] = {"laneway.dev/deployment": "labs"}
    assert row(labs, pods=[pod])["ready"] == "1/2"
    assert row(labs, apps=[obj("App", "labs", {"workload": {"deployment": "labs"}})])["ready"] == "template"


def test_a_release_of_several_apps_names_all_of_them() -> None:
    """With the revision of each."""
    parts = [{"name": "cart", "revision": "r7"}, {"name": "pharmacy", "revision": "r2"}]
    shown = row(obj("Release", "both", {"apps": parts}))
    assert (shown["app"], shown["revision"]) == ("cart, pharmacy", "r7, r2")


def test_rules_of_every_layer_are_counted() -> None:
    """A VirtualService may have none for HTTP."""
    assert row(obj("VirtualService", "db", {"hosts": ["db"], "tcp": [{}], "tls": [{}, {}]}))["rules"] == "3"


def test_what_a_daemon_keeps_for_itself_is_not_listed(daemon: Daemon, laneway: Laneway) -> None:
    """It is no kind that anybody can name."""
    daemon.stores(obj("LocalSettings", "default"))
    daemon.stores(obj("Mesh", "default"))
    assert laneway("get", "all", "-o", "name").out == "mesh/default\n"


def test_release_shows_phase_and_reason() -> None:
    """As the planner recorded them."""
    body = obj("Release", "pharmacy-1", {"apps": [{"name": "pharmacy", "revision": "r2"}]})
    shown = row(body | {"status": {"phase": "RolledBack", "reason": "prices are wrong"}})
    assert (shown["revision"], shown["phase"], shown["reason"]) == ("r2", "RolledBack", "prices are wrong")


@pytest.mark.parametrize(
    ("body", "column", "text"),
    [
        (
            obj("Pod", "a", status={"stage": "Ready", "restartCount": 2, "podIP": "127.1.1.1"}),
            "restarts",
            "2",
        ),
        (
            obj("Service", "a", {"selector": {"app": "a"}, "ports": [{"name": "http", "port": 80}]}),
            "ports",
            "http:80",
        ),
        (obj("VirtualService", "a", {"hosts": ["a", "b"], "http": [{}, {}]}), "rules", "2"),
        (obj("DestinationRule", "a", {"host": "a", "subsets": [{"name": "r-1"}]}), "subsets", "r-1"),
        (obj("Gateway", "a", {"servers": [{"port": {"number": 80}, "hosts": ["x"]}]}), "ports", "80"),
        (obj("ServiceEntry", "a", {"hosts": ["labs"]}), "location", "MESH_EXTERNAL"),
        (obj("Sidecar", "a", {"egress": [{"hosts": ["./*", "bank/*"]}]}), "hosts", "./*, bank/*"),
        (obj("Sidecar", "a", {"outboundTrafficPolicy": {}}), "others", "REGISTRY_ONLY"),
        (obj("Mesh", "default"), "age", "3m"),
    ],
)
def test_each_kind_has_its_columns(body: dict[str, Any], column: str, text: str) -> None:
    """A telling one of each."""
    assert row(body)[column] == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0s"), (59, "59s"), (60, "1m"), (7_300, "2h"), (200_000, "2d")]
)
def test_ages_are_in_their_greatest_unit(seconds: int, text: str) -> None:
    """Rounded down."""
    assert short(timedelta(seconds=seconds)) == text


def test_a_table_has_a_header_and_no_trailing_blanks(daemon: Daemon, laneway: Laneway) -> None:
    """As kubectl prints them."""
    daemon.says(status(releases=[release()]))
    daemon.stores(obj("Mesh", "default"))
    lines = laneway("get", "mesh").out.splitlines()
    assert lines[0].split() == ["NAMESPACE", "NAME", "AGE"]
    assert all(line == line.rstrip() for line in lines)


def seen(daemon: Daemon, output: Format) -> dict[tuple[str, str, str], Seen]:
    """What a watch of Meshes sees at this moment."""
    with Client(daemon.state.api) as client:
        return look_at(Look(client, ["Mesh"], (), None), output)


@pytest.mark.parametrize("output", [Format.TABLE, Format.NAME, Format.JSON, Format.YAML])
def test_a_watch_prints_what_is_new_or_not_the_same_once(daemon: Daemon, output: Format) -> None:
    """First all there is; a look at the same world prints nothing."""
    daemon.stores(obj("Mesh", "default", {"lane": {"header": "x-lane"}}))
    first = seen(daemon, output)
    assert len(list(changed_lines({}, first))) == 1
    assert list(changed_lines(first, seen(daemon, output))) == []


def test_a_watch_prints_what_changed_and_what_is_gone(daemon: Daemon) -> None:
    """A changed object with its new content, one that is gone by its name."""
    daemon.stores(obj("Mesh", "default"))
    first = seen(daemon, Format.JSON)
    daemon.stores(obj("Mesh", "default", {"lane": {"header": "x-env"}}))
    (line,) = changed_lines(first, seen(daemon, Format.JSON))
    assert json.loads(line)["spec"]["lane"]["header"] == "x-env"
    (gone,) = changed_lines(seen(daemon, Format.TABLE), {})
    assert gone.split() == ["mesh/default", "gone"]


def test_an_autoscaler_shows_each_metric_against_its_target() -> None:
    """As kubectl does; `?` before it was measured."""
    target = {"type": "Utilization", "averageUtilization": 70}
    queue = {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "30"}}
    spec = {
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "maxReplicas": 9,
        "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": target}},
            {"type": "External", "external": queue},
        ],
    }
    now = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 41}}}
    said = {"currentReplicas": 3, "desiredReplicas": 4, "currentMetrics": [now]}
    found = row(obj("HorizontalPodAutoscaler", "web", spec, status=said))
    assert found["target"] == "Deployment/web"
    assert found["metrics"] == "cpu 41%/70%, queue ?/30"
    assert (found["bounds"], found["pods"], found["desired"]) == ("1-9", "3", "4")
