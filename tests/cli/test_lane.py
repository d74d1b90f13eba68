"""`laneway lane`: what is applied, what is printed, and when it returns."""

from __future__ import annotations

from typing import Any

import click
import pytest
from tests.cli.conftest import Daemon, Laneway
from tests.cli.statuses import app, lane, release, status

from laneway.cli import promotion, together
from laneway.cli.lane import entry_host
from laneway.cli.lane_change import merged
from laneway.spec.load import parse, spec_of


def test_up_applies_a_lane_and_prints_header_and_url(daemon: Daemon, laneway: Laneway) -> None:
    """The result is what a script needs for its next request."""
    daemon.says(status(apps=[app(hosts=["shop.example"])], lanes=[lane()]))
    done = laneway(
        *("lane", "up", "green", "--app", "pharmacy", "--image", "registry/pharmacy:green"),
        *("--env", "FAST=on", "--ttl", "24h", "--wait", "-o", "json"),
    )
    assert done.code == 0
    assert done.json["header"] == {"x-lane": "green"}
    assert done.json["url"] == "http://127.0.0.1:8080"
    assert [app["name"] for app in done.json["apps"]] == ["pharmacy"]
    (asked,) = daemon.asked("apply")
    assert asked["by"] == "ada"
    assert asked["objects"] == [
        {
            "apiVersion": "laneway.dev/v1alpha1",
            "kind": "Lane",
            "metadata": {"name": "green", "namespace": "shop"},
            "spec": {
                "ttl": "1d",
                "apps": [
                    {
                        "name": "pharmacy",
                        "image": "registry/pharmacy:green",
                        "env": [{"name": "FAST", "value": "on"}],
                    }
                ],
            },
        }
    ]


def test_up_prints_a_request_to_try(daemon: Daemon, laneway: Laneway) -> None:
    """It can be pasted into a shell."""
    daemon.says(status(apps=[app(hosts=["shop.example"])], lanes=[lane()]))
    out = laneway("lane", "up", "green", "--app", "pharmacy").out
    assert "curl -H 'Host: shop.example' -H 'x-lane: green' http://127.0.0.1:8080/" in out


def test_up_takes_an_image_for_each_app(daemon: Daemon, laneway: Laneway) -> None:
    """APP=IMAGE, in the namespace of the apps."""
    daemon.says(status(apps=[app(), app("inventory")], lanes=[lane()]))
    laneway(
        "lane",
        "up",
        "green",
        "--app",
        "shop/pharmacy=registry/pharmacy:1",
        "--app",
        "inventory=registry/inventory:2",
    )
    (asked,) = daemon.asked("apply")
    assert asked["objects"][0]["spec"]["apps"] == [
        {"name": "pharmacy", "image": "registry/pharmacy:1"},
        {"name": "inventory", "image": "registry/inventory:2"},
    ]


def test_up_refuses_one_image_for_two_apps(laneway: Laneway) -> None:
    """That would be the wrong image for one of them."""
    done = laneway(
        "lane", "up", "green", "--app", "pharmacy", "--app", "inventory", "--image", "registry/pharmacy:1"
    )
    assert done.code == 2
    assert "write --app APP=IMAGE" in done.err


def test_up_without_an_app_needs_a_lane_that_is_there(daemon: Daemon, laneway: Laneway) -> None:
    """A lane that runs nothing is of no use."""
    done = laneway("lane", "up", "green", "-n", "shop")
    assert done.code == 2
    assert "there is no lane shop/green yet" in done.err


def test_up_waits_for_its_pods_and_for_every_proxy(daemon: Daemon, laneway: Laneway) -> None:
    """When the time is over it says what is missing."""
    starting = lane(
        ready=False, apps=[lane()["apps"][0] | {"replicas": {"wanted": 1, "pods": 1, "ready": 0}}]
    )
    daemon.says(status(lanes=[starting]))
    done = laneway("lane", "up", "green", "--app", "pharmacy", "--wait", "--timeout", "50ms")
    assert done.code == 1
    assert "lane shop/green: pharmacy has 0 of 1 pod ready" in done.err
    daemon.says(status(lanes=[lane(confirmed=False)]))
    done = laneway("lane", "up", "green", "--app", "pharmacy", "--wait", "--timeout", "50ms")
    assert "lane shop/green: not every proxy serves its rules yet" in done.err


def test_up_prints_the_daemons_problems(daemon: Daemon, laneway: Laneway) -> None:
    """Nothing is applied."""
    done = laneway("lane", "up", "refused", "--app", "pharmacy")
    assert done.code == 1
    assert "error LW401: it is refused; rename it" in done.err
    assert daemon.asked("apply") == []


def test_merged_changes_an_app_and_keeps_the_others() -> None:
    """Variables are merged by name, and what the lane says besides is kept."""
    before: dict[str, Any] = {
        "metadata": {"name": "green", "namespace": "shop", "labels": {"team": "a"}, "resourceVersion": "7"},
        "spec": {
            "owner": "ada",
            "apps": [
                {"name": "pharmacy", "image": "old", "env": [{"name": "A", "value": "1"}]},
                {"name": "page", "image": "page:1"},
            ],
        },
    }
    wanted = {"pharmacy": {"image": "new", "env": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]}}
    obj = merged(before, "shop", "green", wanted, {"ttl": "1d"})
    assert obj["metadata"] == {"name": "green", "namespace": "shop", "labels": {"team": "a"}}
    assert obj["spec"] == {
        "owner": "ada",
        "ttl": "1d",
        "apps": [
            {
                "name": "pharmacy",
                "image": "new",
                "env": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}],
            },
            {"name": "page", "image": "page:1"},
        ],
    }
    assert before["spec"]["apps"][0]["image"] == "old"


def test_entry_host_is_of_the_lanes_apps_first() -> None:
    """Else of any app in its namespace; there may be none."""
    near, far = app(hosts=["pharmacy.example"]), app("page", hosts=["shop.example"])
    assert entry_host(status(apps=[far, near]), lane()) == "pharmacy.example"
    assert entry_host(status(apps=[far, app()]), lane()) == "shop.example"
    assert entry_host(status(), lane()) is None


def test_ls_lists_lanes_of_a_namespace(daemon: Daemon, laneway: Laneway) -> None:
    """With header, apps, and when they end."""
    daemon.says(status(lanes=[lane(), lane("blue", namespace="mall")]))
    assert laneway("lane", "ls", "-o", "name").out.split() == ["lane/green", "lane/blue"]
    out = laneway("lane", "ls", "-n", "shop").out
    assert "x-lane: green" in out
    assert "blue" not in out


def test_rm_deletes_the_lane(daemon: Daemon, laneway: Laneway) -> None:
    """By its namespace and name."""
    daemon.says(status(lanes=[lane()]))
    done = laneway("lane", "rm", "green", "--wait", "-o", "json")
    assert done.json == {"name": "green", "namespace": "shop", "removed": True}
    (asked,) = daemon.asked("delete")
    assert asked["objects"] == [{"kind": "Lane", "namespace": "shop", "name": "green"}]


def test_rm_of_an_unknown_lane_fails_unless_told_to_ignore_it(daemon: Daemon, laneway: Laneway) -> None:
    """Scripts can remove a lane twice."""
    assert laneway("lane", "rm", "green").code == 1
    done = laneway("lane", "rm", "green", "--ignore-not-found", "-o", "json")
    assert (done.code, done.json["removed"]) == (0, False)


def test_rm_waits_until_its_pods_are_gone(daemon: Daemon, laneway: Laneway) -> None:
    """A pod of the lane that still drains keeps it waiting."""
    daemon.says(status(lanes=[lane()]))
    metadata = {"name": "pharmacy-green-1", "namespace": "shop", "labels": {"laneway.dev/lane": "green"}}
    daemon.stores({"kind": "Pod", "metadata": metadata})
    done = laneway("lane", "rm", "green", "--wait", "--timeout", "50ms")
    assert done.code == 1
    assert "1 pod of lane shop/green still to end" in done.err


TEMPLATE: dict[str, Any] = {"spec": {"containers": [{"name": "main", "image": "registry/pharmacy:1"}]}}
STORED: list[dict[str, Any]] = [
    {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "App",
        "metadata": {"name": "pharmacy", "namespace": "shop"},
        "spec": {"workload": {"template": TEMPLATE}, "service": {"ports": [{"port": 80}]}},
    },
    {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Lane",
        "metadata": {"name": "green", "namespace": "shop"},
        "spec": {
            "apps": [
                {
                    "name": "pharmacy",
                    "image": "registry/pharmacy:green",
                    "env": [{"name": "FAST", "value": "on"}],
                }
            ]
        },
    },
]


def test_promotion_is_the_lane_s_templates_and_a_release_that_says_where_they_came_from() -> None:
    """Images and variables, as they were tested; the record names lane and person."""
    (found,) = spec_of(map(parse, STORED)).lanes.values()
    (app_body,) = promotion.templates(found, STORED)
    container = app_body["spec"]["workload"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry/pharmacy:green"
    assert container["env"] == [{"name": "FAST", "value": "on"}]
    revisions = together.changed(spec_of([parse(app_body)]), status(apps=[app()]))
    release = together.release_of("lane-green", revisions, promotion.evidence(found, "ada"))
    assert release["metadata"]["annotations"] == {
        "laneway.dev/promoted-from": "green",
        "laneway.dev/promoted-by": "ada",
    }
    assert [part["name"] for part in release["spec"]["apps"]] == ["pharmacy"]


def test_a_lane_that_changes_no_template_is_not_promoted() -> None:
    """There would be nothing to release."""
    with pytest.raises(click.UsageError, match="no app's template changes"):
        together.release_of("lane-green", {})


def test_promotion_says_that_the_lane_was_tested_on_another_version() -> None:
    """Its images meet a template that it never ran with."""
    said = promotion.tested_on_another(lane(), status(apps=[app() | {"stable": "r9"}]))
    assert said == ["pharmacy was tested on r1, stable is r9"]


def test_the_first_app_of_a_lane_leads_its_release(daemon: Daemon, laneway: Laneway) -> None:
    """Steps and policy are those of the first one, so the order is that of the lane."""
    for name in ("cart", "pharmacy"):
        template = {"spec": {"containers": [{"name": "main", "image": "registry/it:1"}]}}
        spec = {"workload": {"template": template}, "service": {"ports": [{"port": 80, "targetPort": 8080}]}}
        daemon.stores(
            {
                "apiVersion": "laneway.dev/v1alpha1",
                "kind": "App",
                "metadata": {"name": name, "namespace": "shop"},
                "spec": spec,
            }
        )
    begun = release("lane-green", together=["cart"])
    daemon.says(status(apps=[app("cart"), app()], lanes=[lane()], releases=[begun]))
    apps = [f"--app={name}=registry/it:2" for name in ("pharmacy", "cart")]
    laneway("lane", "up", "green", *apps)
    done = laneway("lane", "promote", "green", "--reason", "tested")
    assert done.code == 0, done.err
    asked = daemon.asked("apply")[-1]
    assert [part["name"] for part in asked["objects"][-1]["spec"]["apps"]] == ["pharmacy", "cart"]
    assert asked["reason"] == "tested"


def test_a_promotion_that_has_not_begun_is_not_taken_for_one_that_is_over(
    daemon: Daemon, laneway: Laneway
) -> None:
    """With --wait it is over with 4, as every release that goes on."""
    template = {"spec": {"containers": [{"name": "main", "image": "registry/it:1"}]}}
    body = {"apiVersion": "laneway.dev/v1alpha1", "kind": "App"}
    spec = {"workload": {"template": template}, "service": {"ports": [{"port": 80, "targetPort": 8080}]}}
    daemon.stores(body | {"metadata": {"name": "pharmacy", "namespace": "shop"}, "spec": spec})
    daemon.says(status(apps=[app()], lanes=[lane()]))
    laneway("lane", "up", "green", "--app", "pharmacy", "--image", "registry/it:2")
    done = laneway("lane", "promote", "green", "--wait", "--timeout", "50ms")
    assert done.code == 4
    assert "release lane-green has not begun yet" in done.err


def test_deleting_after_the_promotion_needs_to_wait_for_it(laneway: Laneway) -> None:
    """A usage error."""
    assert laneway("lane", "promote", "green", "--delete").code == 2


def test_a_rebase_names_what_is_stable_now(daemon: Daemon, laneway: Laneway) -> None:
    """The Lane says of which revision each version is made."""
    daemon.says(status(apps=[app() | {"stable": "r9"}], lanes=[lane()]))
    laneway("lane", "up", "green", "--app", "pharmacy", "--image", "registry/pharmacy:green")
    assert laneway("lane", "rebase", "green").code == 0
    asked = daemon.asked("apply")[-1]
    assert asked["reason"] == "laneway lane rebase"
    (part,) = asked["objects"][0]["spec"]["apps"]
    assert part == {"name": "pharmacy", "image": "registry/pharmacy:green", "base": "r9"}
