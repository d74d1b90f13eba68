"""What becomes of what serves when an App is deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from laneway.kubernetes.deletion import (
    FINALIZER,
    HandedBack,
    finalizers,
    hand_back,
    policy,
    released_from_us,
    retained,
    to_service,
    without,
)
from laneway.kubernetes.template_hold import HELD
from laneway.manifests import names
from laneway.spec.meta import Key

APP = Key("shop", "pharmacy")
HOST = names.host(*APP)


def app(deletion: str | None = None, held_by: tuple[str, ...] = (), **metadata: str) -> dict[str, Any]:
    spec = {"deletion": deletion} if deletion else {}
    return {"metadata": {"finalizers": list(held_by), **metadata}, "spec": spec}


def test_an_app_retains_what_serves_where_it_says_nothing() -> None:
    assert policy(app()) == "retain"
    assert finalizers(app()) is None


@pytest.mark.parametrize("deletion", ["delete", "handBack"])
def test_an_app_whose_deletion_needs_us_is_held(deletion: str) -> None:
    assert finalizers(app(deletion, ("other",))) == ["other", FINALIZER]
    assert finalizers(app(deletion, (FINALIZER,))) is None


def test_an_app_that_changes_its_mind_is_held_no_longer() -> None:
    assert finalizers(app("retain", (FINALIZER, "other"))) == ["other"]


def test_an_app_that_is_being_deleted_gets_no_finalizer() -> None:
    """The API server would refuse it."""
    assert finalizers(app("delete", deletionTimestamp="2026-01-01T12:00:00Z")) is None


def test_others_finalizers_stay() -> None:
    assert without(app("delete", ("other", FINALIZER))) == ["other"]


def route(host: str = HOST, **more: Any) -> dict[str, Any]:
    return {"destination": {"host": host, **more}}


def rule(*routes: dict[str, Any], name: str = "all~0123456789") -> dict[str, Any]:
    return {"name": name, "timeout": "5s", "route": list(routes)}


def rules(*http: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "VirtualService", "metadata": {"name": "pharmacy"}, "spec": {"http": list(http)}}


def template(held: bool, replicas: int) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "annotations": {HELD: "4"} if held else {}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}},
    }


SERVICE = {"spec": {"selector": {names.APP: "pharmacy"}}}
PLAIN = {"spec": {"selector": {"app": "web"}}}
VERSIONS = rules(rule(route(subset="r-1") | {"weight": 80}, route(subset="r-2") | {"weight": 20}))
BEGUN = HandedBack(APP, template(True, 0), SERVICE, (VERSIONS,), 0, confirmed=False)
SCALED = replace(BEGUN, template=template(False, 4))
ANSWERING = replace(SCALED, available=4)
SELECTED = replace(ANSWERING, service=PLAIN)
WRITTEN = replace(SELECTED, rules=(to_service(VERSIONS, APP),))


def test_first_its_own_deployment_gets_its_size_back() -> None:
    ((kind, key, patch),) = hand_back(BEGUN).patches
    assert (kind, key) == ("Deployment", Key("shop", "web"))
    assert patch == {"metadata": {"annotations": {HELD: None}}, "spec": {"replicas": 4}}


def test_then_its_pods_are_waited_for() -> None:
    step = hand_back(replace(SCALED, available=3))
    assert step.why and not step.patches and not step.rules and not step.over


def test_then_the_service_selects_them_and_nothing_else() -> None:
    ((kind, key, patch),) = hand_back(ANSWERING).patches
    assert (kind, key) == ("Service", APP)
    assert patch == {"spec": {"selector": {names.APP: None, "app": "web"}}}


def test_then_the_rules_lead_to_the_service() -> None:
    (written,) = hand_back(SELECTED).rules
    assert written["spec"]["http"] == [rule(route())]


def test_then_every_proxy_is_waited_for() -> None:
    step = hand_back(WRITTEN)
    assert step.why and not step.over
    assert hand_back(replace(WRITTEN, confirmed=True)).over


def test_an_app_without_a_deployment_of_its_own_cannot_be_handed_back() -> None:
    step = hand_back(replace(BEGUN, template=None))
    assert "inline" in step.why and not step.over


def test_a_lanes_rules_end_with_the_app() -> None:
    lane = rule(route(names.host("shop", "pharmacy-blue")), name="lane")
    assert to_service(rules(lane, *VERSIONS["spec"]["http"]), APP)["spec"]["http"] == [rule(route())]


def test_a_rule_that_leads_elsewhere_stays_as_it_is() -> None:
    elsewhere = rule(route("labs.partner.example"))
    assert to_service(rules(elsewhere), APP)["spec"]["http"] == [elsewhere]


def test_the_port_of_a_destination_stays() -> None:
    ported = rule(route(subset="r-1", port={"number": 80}))
    (plain,) = to_service(rules(ported), APP)["spec"]["http"]
    assert plain["route"] == [route(port={"number": 80})]


def test_what_is_no_longer_ours_keeps_its_owners_labels() -> None:
    labels = {names.MANAGED_BY: "laneway", names.APP: "pharmacy", "team": "shop"}
    patch = released_from_us({"metadata": {"labels": labels}})
    assert patch == {"metadata": {"labels": {names.MANAGED_BY: None, names.APP: None}}}


def of(app: str, name: str = "", marker: str = "~0123456789") -> dict[str, Any]:
    """A rule of an App on a shared host."""
    host = names.host("shop", app)
    return {"name": (name or app) + marker, "route": [route(host, subset="r-1")]}


def merged(stored: list[dict[str, Any]], planned: list[dict[str, Any]], *apps: str) -> list[str]:
    found = retained(stored, planned, lambda host: host.split(".")[0] in apps)
    return [each["name"].partition("~")[0] for each in found]


@pytest.mark.parametrize("gone", ["a", "b", "c"])
def test_rules_of_a_retained_app_stay_where_they_stood(gone: str) -> None:
    stored = [of("a"), of("b"), of("c")]
    left = [each for each in "abc" if each != gone]
    assert merged(stored, [of(each, marker="~9876543210") for each in left], *left) == ["a", "b", "c"]


def test_several_retained_apps_keep_their_order_among_each_other() -> None:
    stored = [of("a"), of("b"), of("c"), of("d")]
    assert merged(stored, [of("c")], "c") == ["a", "b", "c", "d"]


def test_rules_that_laneway_has_not_written_are_not_retained() -> None:
    assert merged([of("a", marker=""), of("b")], [of("b")], "b") == ["b"]


def test_rules_of_a_planned_app_that_wants_them_no_longer_go() -> None:
    assert merged([of("b", "old"), of("b")], [of("b")], "b") == ["b"]
