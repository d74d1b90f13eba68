"""Endpoints: which addresses are behind a cluster now. Must not know routes or how clusters are balanced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from laneway.mesh.backends import Backend, backends_of
from laneway.mesh.hosts import Host
from laneway.mesh.names import outbound
from laneway.mesh.policy import Policy
from laneway.mesh.protos import message
from laneway.mesh.resources import Resource, resource
from laneway.mesh.world import Pod


def assignments_of(host: Host, policy: Policy, pods: Sequence[Pod]) -> list[Resource]:
    """The endpoints of each port of a host, and of each port of each of its subsets. pods: those it selects.

    A cluster without a ready pod has an empty assignment: Envoy then answers 503 at once.
    """
    if host.dns:
        return []
    groups = [("", {}), *((subset.name, subset.labels) for subset in policy.subsets)]
    found = []
    for port in host.ports:
        for subset, labels in groups:
            name = outbound(host.name, port.number, subset)
            found.append(resource(name, assignment(name, backends_of(host, port, labels, pods))))
    return found


def assignment(name: str, backends: Iterable[Backend]) -> Any:
    """The ClusterLoadAssignment of a cluster with the ready ones of these backends."""
    value = message("envoy.config.endpoint.v3.ClusterLoadAssignment")(cluster_name=name)
    ready = [backend for backend in backends if backend.ready]
    if ready:
        group = value.endpoints.add()
        for backend in ready:
            one = group.lb_endpoints.add()
            _fill(one.endpoint.address, backend)
            if backend.weight != 1:
                one.load_balancing_weight.value = backend.weight
    return value


def _fill(address: Any, backend: Backend) -> None:
    if backend.pipe is not None:
        address.pipe.path = backend.pipe.path
    else:
        address.socket_address.address, address.socket_address.port_value = backend.address, backend.port
