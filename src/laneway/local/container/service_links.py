"""Services as a pod's variables, as Kubernetes writes them: PHARMACY_SERVICE_HOST and _PORT. Pure.

Must not know where the addresses come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from laneway.manifests import names
from laneway.manifests.services import app_service
from laneway.spec.app import App
from laneway.spec.kubernetes import Service
from laneway.spec.meta import key_of


def services_of(
    services: Iterable[Mapping[str, Any]], apps: Iterable[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """The Services that there are, and those that Apps are about to have: pods need not wait for these."""
    there = set()
    for body in services:
        there.add(key_of(body))
        yield body
    for body in apps:
        if key_of(body) not in there:
            yield app_service(App.model_validate(body))


def linked(services: Iterable[Mapping[str, Any]], template: Mapping[str, Any]) -> list[str]:
    """The names of the Services that a template's pods get variables of; not those of lanes.

    A lane is asked for by its header, at the app's own Service.
    """
    if template["spec"].get("enableServiceLinks") is False:
        return []
    return [
        body["metadata"]["name"] for body in services if names.LANE not in body["metadata"].get("labels", {})
    ]


def variables(service: Service, address: str, local_port: Callable[[int], int]) -> Iterator[tuple[str, str]]:
    """The variables of one Service: its address, its first port, and each port that has a name.

    Source: Kubernetes, pkg/kubelet/envvars; without the variables of Docker's links.
    """
    prefix = _variable(service.metadata.name)
    yield f"{prefix}_SERVICE_HOST", address
    yield f"{prefix}_SERVICE_PORT", str(local_port(service.spec.ports[0].port))
    for port in service.spec.ports:
        if port.name:
            yield f"{prefix}_SERVICE_PORT_{_variable(port.name)}", str(local_port(port.port))


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")
