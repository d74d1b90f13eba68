"""What is known beside the objects: pods, and what every proxy has confirmed."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.stored import SHOP, app, pod
from tests.kubernetes.test_awaiting import Answers

from laneway.kubernetes.facts import Snapshot, rules_wanted, to_come
from laneway.kubernetes.index import Index
from laneway.manifests import names
from laneway.spec.meta import Key

PAGE = Key(SHOP, "page")
HOST = names.host(*PAGE)
LABELS = {names.APP: "page", names.REVISION: "a"}
OLD, NEW = (f"outbound|80|r-{revision}|{HOST}" for revision in "ab")


def service(name: str = "page") -> dict[str, Any]:
    metadata = {"name": name, "namespace": SHOP}
    return {"kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}


def subsets(*revisions: str) -> dict[str, Any]:
    named = [{"name": names.subset(each)} for each in revisions]
    metadata = {"name": "page", "namespace": SHOP}
    return {"kind": "DestinationRule", "metadata": metadata, "spec": {"host": HOST, "subsets": named}}


def rules(*led_to: str, marker: str = "~0123456789", **spec: Any) -> dict[str, Any]:
    routes = [{"destination": {"host": HOST, "subset": names.subset(each)}} for each in led_to]
    http = [{"name": f"all{marker}", "route": routes}]
    metadata = {"name": "page", "namespace": SHOP}
    return {"kind": "VirtualService", "metadata": metadata, "spec": {"hosts": [HOST], "http": http, **spec}}


def snapshot(answers: Answers, *objects: dict[str, Any], pods: int = 2, ready: int = 2) -> Snapshot:
    index = Index()
    index.take("App", PAGE, app("page"))
    for number in range(pods):
        index.pods.take(None, pod(f"a{number}", "page", "a", ready=number < ready))
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for each in objects:
        by_kind.setdefault(each["kind"], []).append(each)
    return Snapshot(index, answers, by_kind)


def test_a_pod_that_not_every_istiod_knows_gets_no_requests_yet() -> None:
    answers = Answers()
    answers.counts[OLD] = 1
    seen = snapshot(answers, service(), subsets("a")).version(SHOP, LABELS)
    assert (seen.pods, seen.available) == (2, 1)


def test_what_istiod_knows_of_a_pod_that_is_not_ready_any_more_does_not_count() -> None:
    answers = Answers()
    answers.counts[OLD] = 2
    assert snapshot(answers, service(), subsets("a"), ready=1).version(SHOP, LABELS).available == 1


def test_a_version_that_rules_lead_to_is_not_dead_for_an_istiod_that_has_just_started() -> None:
    answers = Answers()
    answers.counts[OLD] = 0
    seen = snapshot(answers, service(), subsets("a"), rules("a"))
    assert seen.version(SHOP, LABELS).available == 2


def test_subsets_are_confirmed_when_every_one_of_them_is() -> None:
    answers = Answers()
    seen = snapshot(answers, service(), subsets("a", "b"))
    assert seen.clusters == {OLD, NEW}
    answers.has.add(OLD)
    assert not seen.confirmed("DestinationRule", PAGE)
    answers.has.add(NEW)
    assert seen.confirmed("DestinationRule", PAGE)


def test_what_is_not_there_is_confirmed_by_nobody() -> None:
    seen = snapshot(Answers())
    assert not any(seen.confirmed(kind, PAGE) for kind in ("DestinationRule", "VirtualService", "Service"))


def test_rules_are_confirmed_as_they_are_stored() -> None:
    answers = Answers()
    answers.has.add((PAGE, "~0123456789"))
    assert snapshot(answers, rules("a")).confirmed("VirtualService", PAGE)
    assert not snapshot(answers, rules("a", marker="~9876543210")).confirmed("VirtualService", PAGE)


def test_rules_without_a_marker_are_nobodys_to_confirm() -> None:
    answers = Answers()
    answers.has.add((PAGE, ""))
    assert not snapshot(answers, rules("a", marker="")).confirmed("VirtualService", PAGE)


def test_rules_are_wanted_of_sidecars_and_of_the_gateways_that_they_name() -> None:
    gateways = {Key(SHOP, "public"): {"istio": "ingress"}}
    wanted = rules_wanted(rules("a", gateways=["mesh", "shop/public", "shop/unknown"]), gateways)
    assert wanted.mesh and wanted.gateways == {(("istio", "ingress"),)}
    assert not rules_wanted(rules("a", gateways=["public"]), gateways).mesh
    assert rules_wanted(rules("a"), gateways).mesh


def test_endpoints_are_counted_where_no_rule_leads_yet() -> None:
    answers = Answers()
    assert snapshot(answers, service(), subsets("a", "b"), rules("a")).counted == {NEW}
    assert snapshot(answers, service(), subsets("a", "b")).counted == {OLD, NEW}


def test_a_subset_that_is_about_to_be_written_is_asked_about_by_then() -> None:
    stored = {"Service": [service()], "DestinationRule": [subsets("a")], "VirtualService": [rules("a")]}
    deployment = {"kind": "Deployment", "metadata": {"name": "page-b", "namespace": SHOP}}
    found = Snapshot(Index(), Answers(), to_come(stored, [deployment, subsets("a", "b")]))
    assert found.clusters == {OLD, NEW}
    assert found.counted == {NEW}
