"""What is read of an object to find the apps that it concerns."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from laneway.kubernetes import sketches
from laneway.spec.meta import Key


def raw(**spec: Any) -> bytes:
    return json.dumps({"spec": spec}).encode()


def test_an_apps_hosts_are_those_that_others_may_share_at_gateways() -> None:
    routing = {"hosts": ["Shop.Example"], "gateways": ["shop/public"]}
    found = sketches.app(raw(workload={"deployment": "pharmacy"}, routing=routing))
    assert found == sketches.AppSketch("pharmacy", frozenset({"shop.example"}))


def test_hosts_without_a_gateway_are_shared_with_nobody() -> None:
    assert sketches.app(raw(routing={"hosts": ["shop.example"]})).hosts == frozenset()


def test_an_inline_template_is_no_deployment() -> None:
    assert sketches.app(raw(workload={"template": {"spec": {}}})).template is None


def test_a_damaged_app_is_told() -> None:
    with pytest.raises(msgspec.ValidationError):
        sketches.app(raw(routing={"hosts": "shop.example"}))


def test_a_lane_concerns_every_app_where_it_refuses_the_rest() -> None:
    fallback = {"through": ["blue"], "else": "refuse"}
    found = sketches.lane(raw(apps=[{"name": "pharmacy", "image": "pharmacy:2"}], fallback=fallback))
    assert found == sketches.LaneSketch(frozenset({"pharmacy"}), frozenset({"blue"}), dense=True)
    assert not sketches.lane(raw(apps=[])).dense


def test_a_release_is_of_its_apps() -> None:
    apps = [{"name": "page", "revision": "a"}, {"name": "pharmacy", "revision": "b"}]
    assert sketches.released("shop", raw(apps=apps)) == {Key("shop", "page"), Key("shop", "pharmacy")}


def test_rules_are_of_the_apps_whose_versions_they_lead_to() -> None:
    def route(host: str, **subset: str) -> dict[str, Any]:
        return {"route": [{"destination": {"host": host, **subset}}]}

    http = [
        route("page.shop.svc.cluster.local", subset="r-1"),
        route("elsewhere.example", subset="r-1"),
        route("pharmacy-blue.shop.svc.cluster.local"),
        {"directResponse": {"status": 404}},
    ]
    assert sketches.led_to(raw(http=http)) == {Key("shop", "page")}
