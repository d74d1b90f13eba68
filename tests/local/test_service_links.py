"""Services as variables."""

from __future__ import annotations

from typing import Any

from laneway.local.container.service_links import linked, services_of, variables
from laneway.manifests import names
from laneway.spec.kubernetes import Service


def service(name: str, *ports: tuple[str | None, int], **labels: str) -> dict[str, Any]:
    """A stored Service."""
    listed = [{"port": port} | ({"name": named} if named else {}) for named, port in ports]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels},
        "spec": {"ports": listed},
    }


def test_variables_are_those_of_kubernetes() -> None:
    """The first port, and each with a name; ports that may not be bound as they are on this machine."""
    found = Service.model_validate(service("web-shop", ("http", 80), ("grpc-web", 9090), (None, 81)))
    assert dict(variables(found, "127.64.64.0", lambda port: port + 10_000 if port < 1024 else port)) == {
        "WEB_SHOP_SERVICE_HOST": "127.64.64.0",
        "WEB_SHOP_SERVICE_PORT": "10080",
        "WEB_SHOP_SERVICE_PORT_HTTP": "10080",
        "WEB_SHOP_SERVICE_PORT_GRPC_WEB": "9090",
    }


def test_services_of_lanes_are_not_linked() -> None:
    """They are reached by the lane's header; and a template may want none at all."""
    services = [service("web", ("http", 80)), service("web-green", ("http", 80), **{names.LANE: "green"})]
    assert linked(services, {"spec": {}}) == ["web"]
    assert linked(services, {"spec": {"enableServiceLinks": False}}) == []


def test_the_service_that_an_app_is_about_to_have_is_linked_too() -> None:
    """A pod that starts before it is written would never get its variables; written, it counts once."""
    ports = [{"name": "http", "port": 80}]
    app = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "App",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"workload": {"deployment": "web"}, "service": {"ports": ports}},
    }
    (derived,) = services_of([], [app])
    assert (derived["kind"], derived["metadata"]["name"], derived["spec"]["ports"]) == (
        "Service",
        "web",
        ports,
    )
    assert list(services_of([derived], [app])) == [derived]
