"""What is known of the cluster, by app."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.stored import SHOP, app, deployment, derived, pod, stored

from laneway.kubernetes.api.seen import Seen
from laneway.kubernetes.index import Index
from laneway.manifests import names
from laneway.spec.meta import Key

PAGE, PHARMACY = Key(SHOP, "page"), Key(SHOP, "pharmacy")


def index(*objects: Seen) -> Index:
    found = Index()
    for each in objects:
        found.take(each.kind, each.key, each)
    return found


def taken(known: Index, each: Seen) -> frozenset[Key]:
    return known.take(each.kind, each.key, each)


# --- newer and older


def test_what_is_older_than_what_is_known_is_not_taken() -> None:
    """A watch tells late what was written since."""
    known = index(app("page", 7))
    assert not taken(known, app("page", 6))
    assert known.objects["App"][PAGE].resource_version == "7"


def test_what_we_have_deleted_does_not_come_back_by_an_old_event() -> None:
    known = index(app("page"), derived("Deployment", "page-r", "page", 7))
    key = Key(SHOP, "page-r")
    assert known.end("Deployment", key) == {PAGE}
    assert not taken(known, derived("Deployment", "page-r", "page", 7))
    assert key not in known.objects["Deployment"]
    assert taken(known, derived("Deployment", "page-r", "page", 9)) == {PAGE}, "it was made anew"


def test_the_end_of_the_one_before_is_not_the_end_of_the_one_made_since() -> None:
    before, now = (
        derived("Service", "page", "page", 3, uid="old"),
        derived("Service", "page", "page", 8, uid="new"),
    )
    known = index(app("page"), now)
    assert not known.heard("Service", PAGE, None, before)
    assert known.objects["Service"][PAGE] is now
    assert known.heard("Service", PAGE, None, now) == {PAGE}


# --- whom it concerns


def test_a_template_concerns_the_app_that_names_it() -> None:
    known = index(app("page"))
    assert taken(known, deployment("page")) == {PAGE}
    assert taken(known, deployment("other")) == frozenset()


def test_what_was_made_of_an_app_concerns_it_and_no_other() -> None:
    known = index(app("page"), app("pharmacy"))
    assert taken(known, derived("DestinationRule", "page", "page")) == {PAGE}


def test_a_mesh_concerns_every_app() -> None:
    assert taken(index(app("page"), app("pharmacy")), stored("Mesh", "mesh")) == {PAGE, PHARMACY}


@pytest.mark.parametrize("refuses", [False, True])
def test_a_lane_concerns_the_apps_that_have_rules_for_it(refuses: bool) -> None:
    known = index(app("page"), app("pharmacy"))
    spec = {"apps": [{"name": "page"}], "fallback": {"else": "refuse" if refuses else "baseline"}}
    assert taken(known, stored("Lane", "blue", spec=spec)) == ({PAGE, PHARMACY} if refuses else {PAGE})


def test_a_lane_that_others_fall_back_to_concerns_every_app_of_its_namespace() -> None:
    through = {"apps": [], "fallback": {"through": ["blue"]}}
    known = index(app("page"), app("pharmacy"), stored("Lane", "green", spec=through))
    assert taken(known, stored("Lane", "blue", spec={"apps": []})) == {PAGE, PHARMACY}


def test_an_app_concerns_those_that_share_its_host_before_and_after() -> None:
    known = index(app("page", 1, ("shop.example",)), app("pharmacy", 1, ("shop.example",)))
    assert taken(known, app("pharmacy", 2, ("other.example",))) == {PAGE, PHARMACY}
    assert taken(known, app("pharmacy", 3, ("other.example",))) == {PHARMACY}


# --- planned together


def test_apps_that_share_a_host_are_planned_together() -> None:
    known = index(app("page", 1, ("a.example",)), app("pharmacy", 1, ("a.example", "b.example")))
    known.take("App", Key(SHOP, "x"), app("x", 1, ("b.example",)))
    assert known.component(PAGE) == (PAGE, PHARMACY, Key(SHOP, "x"))


def test_apps_of_one_release_are_planned_together_as_long_as_it_is_there() -> None:
    apps: list[dict[str, Any]] = [{"name": "page"}, {"name": "pharmacy"}]
    release = stored("Release", "both", spec={"apps": apps})
    known = index(app("page"), app("pharmacy"), release)
    assert known.component(PAGE) == (PAGE, PHARMACY)
    assert known.releases([PHARMACY]) == [release]
    known.take("Release", release.key, None)
    assert known.component(PAGE) == (PAGE,)


def test_the_rules_of_a_shared_host_are_found_from_each_of_its_apps() -> None:
    labels, name = {names.MANAGED_BY: names.LANEWAY}, names.gateway_host_rules("a.example")
    rules = stored("VirtualService", name, labels=labels, spec={"http": []})
    known = index(app("page", 1, ("a.example",)), app("pharmacy", 1, ("a.example",)), rules)
    assert known.derived([PHARMACY])["VirtualService"] == [rules]


def test_what_another_controller_has_made_of_ours_is_not_ours() -> None:
    owner = {"kind": "ScaledObject", "name": "page", "uid": "1", "controller": True}
    known = index(app("page"), derived("HorizontalPodAutoscaler", "keda", "page", ownerReferences=[owner]))
    assert not known.derived([PAGE])


def test_an_app_that_is_gone_leaves_nothing_behind() -> None:
    known = index(app("page", 1, ("a.example",)), app("pharmacy", 1, ("a.example",)), deployment("page"))
    known.take("App", PAGE, None)
    assert known.component(PHARMACY) == (PHARMACY,)
    assert taken(known, deployment("page", 5)) == frozenset()


# --- what concerns nobody


def test_an_echo_of_what_was_written_concerns_nobody() -> None:
    known = index(app("page"), derived("VirtualService", "page", "page", 3))
    assert not taken(known, derived("VirtualService", "page", "page", 3))


@pytest.mark.parametrize("kind", ["Deployment", "PodDisruptionBudget"])
def test_a_status_by_which_nothing_is_planned_is_known_and_concerns_nobody(kind: str) -> None:
    def seen(version: int) -> Seen:
        return derived(kind, "page-r", "page", version, generation=1, status={"replicas": version})

    known = index(app("page"), seen(3))
    assert not taken(known, seen(4))
    assert known.objects[kind][Key(SHOP, "page-r")].resource_version == "4"


def test_what_was_scaled_and_what_its_controller_notes_concern_nobody_once_more() -> None:
    def seen(version: int, **annotations: str) -> Seen:
        spec, generation = {"replicas": 3}, version
        return derived(
            "Deployment", "page-r", "page", version, spec=spec, generation=generation, annotations=annotations
        )

    known = index(app("page"), seen(3))
    assert not taken(known, seen(4, **{"deployment.kubernetes.io/revision": "1"}))


def test_a_label_that_is_changed_concerns_the_app_without_another_generation() -> None:
    known = index(app("page"), derived("Deployment", "page-r", "page", 3, generation=1))
    assert taken(known, derived("Deployment", "page-r", "page", 4, generation=1, annotations={"a": "b"})) == {
        PAGE
    }


def test_while_an_app_ends_the_status_of_its_template_matters() -> None:
    leaving = stored("App", "page", spec=app("page").body()["spec"], deletionTimestamp="2026-01-01T00:00:00Z")
    before, now = (
        stored("Deployment", "page", n, generation=1, status={"availableReplicas": n}) for n in (3, 4)
    )
    known = index(leaving, before)
    assert taken(known, now) == {PAGE}


# --- who serves


def test_an_app_serves_when_all_pods_that_its_deployments_ask_for_are_ready() -> None:
    made = derived("Deployment", "page-r", "page", spec={"replicas": 2})
    known = index(app("page"), deployment("page"), made)
    assert not known.serves(PAGE)
    known.pods.take(None, pod("page-1", "page"))
    known.pods.take(None, pod("page-2", "page", deleting=True))
    assert not known.serves(PAGE)
    known.pods.take(None, pod("page-3", "page"))
    assert known.serves(PAGE)


def test_an_app_without_pods_of_ours_does_not_serve() -> None:
    known = index(app("page"), deployment("page"))
    assert not known.serves(PAGE)
