"""Rules of mesh hosts: they exist, with the ports and subsets named, and each has one writer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from laneway.spec.istio import Destination, DestinationRule, HTTPRoute, RouteDestination, VirtualService
from laneway.spec.meta import Object
from laneway.spec.naming import DOMAIN, MESH, full_gateway, full_host
from laneway.spec.problems import Code
from laneway.spec.rules.scope import Fault, Scope, listed, routed
from laneway.spec.yaml import Path


class _Named(NamedTuple):
    obj: Object
    path: Path
    destination: Destination

    @property
    def host(self) -> str:
        return full_host(self.destination.host, self.obj.metadata.namespace)


def _of_connections(
    service: VirtualService, kind: str, routes: list[list[RouteDestination]]
) -> Iterator[_Named]:
    for position, shares in enumerate(routes):
        for index, share in enumerate(shares):
            yield _Named(service, ("spec", kind, position, "route", index, "destination"), share.destination)


def _destinations(scope: Scope) -> Iterator[_Named]:
    for service in scope.spec.virtual_services.values():
        yield from _of_connections(service, "tls", [rule.route for rule in service.spec.tls])
        yield from _of_connections(service, "tcp", [rule.route for rule in service.spec.tcp])
    for obj, path, rule in routed(scope.spec):
        if isinstance(rule, HTTPRoute):
            for index, route in enumerate(rule.route):
                yield _Named(obj, (*path, "route", index, "destination"), route.destination)
        if rule.mirror is not None:
            yield _Named(obj, (*path, "mirror"), rule.mirror)
        for index, mirror in enumerate(rule.mirrors):
            yield _Named(obj, (*path, "mirrors", index, "destination"), mirror.destination)


def gateways_of(service: VirtualService) -> list[str]:
    """The gateways of a VirtualService by full name; `mesh` where it names none."""
    return [full_gateway(name, service.metadata.namespace) for name in service.spec.gateways] or [MESH]


def _no_host(scope: Scope, obj: Object, path: Path, name: str) -> Iterator[Fault]:
    """The fault that there is no such host, unless there is."""
    host = full_host(name, obj.metadata.namespace)
    if "*" in host or scope.host(host):
        return
    for ending in (".svc", ""):
        meant = f"{host.removesuffix(ending)}.svc.cluster.local" if host.endswith(ending) else host
        if meant in scope.ports:
            yield Fault(Code.NO_HOST, obj, path, f"Istio does not complete {name}", f"write {meant}")
            return
    if host.endswith(f".{DOMAIN}"):
        yield Fault(Code.NO_HOST, obj, path, f"there is no App or Service for host {host}")
    else:
        text = f"host {host} is outside of the mesh and no ServiceEntry names it"
        yield Fault(Code.NO_HOST, obj, path, text, "add a ServiceEntry for it")


def destinations_exist(scope: Scope) -> Iterator[Fault]:
    """A rule sends requests, and copies of them, to hosts that there are."""
    for obj, path, destination in _destinations(scope):
        yield from _no_host(scope, obj, (*path, "host"), destination.host)


def mesh_hosts_exist(scope: Scope) -> Iterator[Fault]:
    """Rules at the sidecars are for hosts that there are."""
    for service in scope.spec.virtual_services.values():
        if gateways_of(service) == [MESH]:
            for index, name in enumerate(service.spec.hosts):
                yield from _no_host(scope, service, ("spec", "hosts", index), name)


def policy_hosts_exist(scope: Scope) -> Iterator[Fault]:
    """A DestinationRule is for a host that there is."""
    for rule in scope.spec.destination_rules.values():
        yield from _no_host(scope, rule, ("spec", "host"), rule.spec.host)


def subsets_exist(scope: Scope) -> Iterator[Fault]:
    """A destination's subset is in a DestinationRule of its host."""
    for named in _destinations(scope):
        subset = named.destination.subset
        known = scope.subsets_of(named.host)
        if subset is not None and scope.host(named.host) and subset not in known:
            text = f"no DestinationRule of {named.host} has a subset {subset}"
            remedy = f"add it, or use one of: {listed(known)}" if known else None
            yield Fault(Code.NO_SUBSET, named.obj, (*named.path, "subset"), text, remedy)


def ports_exist(scope: Scope) -> Iterator[Fault]:
    """A destination's port is one of its host."""
    for named in _destinations(scope):
        host = scope.host(named.host)
        ports = scope.ports[host] if host else None
        port = named.destination.port
        if port is not None and ports is not None and port.number not in ports:
            text = f"host {named.host} has no port {port.number}"
            path = (*named.path, "port", "number")
            yield Fault(Code.NO_PORT, named.obj, path, text, f"its ports are: {listed(ports)}")


def wildcards_are_for_gateways(scope: Scope) -> Iterator[Fault]:
    """At the sidecars no rule is for many hosts, and at gateways only for all of them."""
    for service in scope.spec.virtual_services.values():
        at_mesh = MESH in gateways_of(service)
        for index, host in enumerate(service.spec.hosts):
            if "*" in host and (at_mesh or host != "*"):
                where = "at the mesh" if at_mesh else "at a gateway, except *,"
                text = f"host {host}: wildcards {where} are not supported"
                yield Fault(Code.WILDCARD_HOST, service, ("spec", "hosts", index), text)
    for app in scope.spec.apps.values():
        for index, host in enumerate(app.spec.routing.hosts):
            if "*" in host and host != "*":
                text = f"host {host}: wildcards at a gateway, except *, are not supported"
                yield Fault(Code.WILDCARD_HOST, app, ("spec", "routing", "hosts", index), text)


def one_writer_for_each_mesh_host(scope: Scope) -> Iterator[Fault]:
    """A mesh host has one VirtualService, an App's is Laneway's: in Istio the oldest wins without a word."""
    apps = {full_host(key.name, key.namespace): app for key, app in scope.spec.apps.items()}
    first: dict[str, VirtualService] = {}
    for service in scope.spec.virtual_services.values():
        if MESH not in gateways_of(service):
            continue
        for index, name in enumerate(service.spec.hosts):
            path, host = ("spec", "hosts", index), full_host(name, service.metadata.namespace)
            if host in apps:
                yield _rival(service, path, host, apps[host], "its `spec.routing.http`")
            elif first.setdefault(host, service) is not service:
                yield _rival(service, path, host, first[host], "it")


def one_policy_for_each_app(scope: Scope) -> Iterator[Fault]:
    """Laneway writes the DestinationRule of an App's host."""
    apps = {full_host(key.name, key.namespace): app for key, app in scope.spec.apps.items()}
    for rule in scope.spec.destination_rules.values():
        host = full_host(rule.spec.host, rule.metadata.namespace)
        if host in apps:
            yield _rival(rule, ("spec", "host"), host, apps[host], "its `spec.routing.trafficPolicy`")


def _rival(obj: VirtualService | DestinationRule, path: Path, host: str, owner: Object, place: str) -> Fault:
    text = f"the rules of host {host} belong to {owner.kind} {owner.key}"
    return Fault(Code.TWO_WRITERS, obj, path, text, f"move what {obj.kind} {obj.key} says into {place}")
