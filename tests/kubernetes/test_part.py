"""What there is of some apps, for one pass."""

from __future__ import annotations

import json

from tests.kubernetes.stored import SHOP, app, deployment, derived, stored

from laneway.kubernetes.api.seen import Seen
from laneway.kubernetes.configuration import content
from laneway.kubernetes.index import Index
from laneway.kubernetes.parsing import Parsing
from laneway.kubernetes.part import Part, part, read_template
from laneway.kubernetes.template_hold import HELD
from laneway.spec.meta import Key

PAGE, PHARMACY = Key(SHOP, "page"), Key(SHOP, "pharmacy")


def seen(index: Index, *apps: Key) -> Part:
    return part(index, apps, Parsing(read_template).of_apps(apps))


def index(*objects: Seen) -> Index:
    found = Index()
    for each in objects:
        found.take(each.kind, each.key, each)
    return found


def test_a_template_and_its_size_come_from_the_deployment_that_is_named() -> None:
    found = seen(index(app("page"), deployment("page", replicas=3)), PAGE)
    assert found.spec.sizes[PAGE] == 3
    assert found.spec.templates[PAGE].written()["spec"]["containers"][0]["image"] == "a:1"


def test_the_size_of_a_template_that_is_held_is_what_it_was() -> None:
    held = deployment("page", replicas=0).body()
    held["metadata"]["annotations"] = {HELD: "4"}
    found = seen(
        index(app("page"), stored("Deployment", "page", 2, spec=held["spec"], annotations={HELD: "4"})), PAGE
    )
    assert found.spec.sizes[PAGE] == 4


def test_an_app_that_cannot_be_read_is_told_and_does_not_keep_others_from_being_planned() -> None:
    broken = app("page", hosts=("a.example",), release={"steps": "all"})
    found = seen(index(broken, app("pharmacy", hosts=("a.example",)), deployment("pharmacy")), PAGE, PHARMACY)
    assert list(found.unreadable) == [PAGE] and "steps" in found.unreadable[PAGE]
    assert list(found.spec.apps) == [PHARMACY]


def test_an_app_that_is_being_deleted_is_wanted_no_more_while_what_it_left_is_there() -> None:
    spec, version = app("page").body()["spec"], "laneway.dev/v1alpha1"
    leaving = stored("App", "page", apiVersion=version, spec=spec, deletionTimestamp="2026-01-01T12:00:00Z")
    found = seen(index(leaving, derived("Deployment", "page-r", "page", spec={"replicas": 1})), PAGE)
    assert not found.spec.apps and not found.unreadable
    assert [each["metadata"]["name"] for each in found.objects["Deployment"]] == ["page-r"]


def test_configuration_that_a_template_names_is_part_of_it() -> None:
    known = index(app("page"), deployment("page", envFrom=[{"configMapRef": {"name": "prices"}}]))
    before = seen(known, PAGE).spec.templates[PAGE].written()
    source = {"metadata": {"name": "prices", "namespace": SHOP}, "data": {"currency": "EUR"}}
    heard = content(json.dumps(source).encode())
    assert known.contents.take("ConfigMap", heard.key, heard) == {PAGE}, "it was named by then"
    found = seen(known, PAGE)
    assert found.spec.templates[PAGE].written() != before
    assert [copy.source for copy in found.copies[PAGE]] == ["prices"]


def test_bookkeeping_of_the_api_server_is_not_looked_at() -> None:
    kept = derived("Service", "page", "page", spec={}, ownerReferences=[], selfLink="/x")
    (service,) = seen(index(app("page"), deployment("page"), kept), PAGE).objects["Service"]
    assert service["metadata"].keys() == {"name", "namespace", "labels", "uid", "resourceVersion"}
