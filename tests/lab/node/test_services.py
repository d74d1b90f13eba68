"""What pods are told of Services: names, and where their addresses lead."""

from __future__ import annotations

from typing import Any

from tests.lab.node.names import ELSEWHERE, names
from tests.lab.node.services import forwards


def service(address: str, **port: Any) -> dict[str, Any]:
    meta = {"name": "web", "namespace": "shop"}
    return {"metadata": meta, "spec": {"clusterIP": address, "ports": [port]}}


def slices(*ready: bool) -> list[dict[str, Any]]:
    meta = {"namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}}
    endpoints = [
        {"addresses": [f"10.244.0.{number}"], "conditions": {"ready": each}}
        for number, each in enumerate(ready, 10)
    ]
    return [{"metadata": meta, "ports": [{"name": "http", "port": 8080}], "endpoints": endpoints}]


def test_a_services_address_leads_to_its_pods_that_are_ready() -> None:
    found = forwards([service("10.96.0.7", name="http", port=80)], slices(True, False, True))
    assert found == {("10.96.0.7", 80): [("10.244.0.10", 8080), ("10.244.0.12", 8080)]}


def test_a_service_without_a_ready_pod_leads_nowhere() -> None:
    assert forwards([service("10.96.0.7", name="http", port=80)], slices(False)) == {}


def test_a_headless_service_has_neither_a_name_nor_a_way() -> None:
    headless = service("None", name="http", port=80)
    assert names([headless], []) == {}
    assert forwards([headless], slices(True)) == {}


def test_a_service_is_known_by_its_full_name() -> None:
    assert names([service("10.96.0.7", port=80)], []) == {"web.shop.svc.cluster.local": "10.96.0.7"}


def test_a_service_entry_has_its_address_or_the_one_that_istiod_gave_it_or_any() -> None:
    own = {"spec": {"hosts": ["a.example"], "addresses": ["198.51.100.1"]}}
    given = {"spec": {"hosts": ["b.example"]}, "status": {"addresses": [{"value": "240.240.0.1"}]}}
    none = {"spec": {"hosts": ["C.example", "*.d.example"]}}
    assert names([], [own, given, none]) == {
        "a.example": "198.51.100.1",
        "b.example": "240.240.0.1",
        "c.example": ELSEWHERE,
    }
