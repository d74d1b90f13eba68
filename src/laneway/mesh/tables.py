"""Route configurations and scopes, cut so that a changed rule sends one small table.

Owns which rows stand in which table, and the hash-matched form of lanes. Must not know any proxy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from laneway.mesh.delivery import UNDELIVERED
from laneway.mesh.gateways import GatewayTable
from laneway.mesh.header_tree import HeaderTree, ends, tree_of
from laneway.mesh.hosts import Host
from laneway.mesh.names import outbound
from laneway.mesh.protos import any_of, message
from laneway.mesh.registry import Registry
from laneway.mesh.resources import Resource, resource
from laneway.mesh.retries import default_retries
from laneway.mesh.routes import default_route, route_message, route_of, unmatched
from laneway.mesh.rules import NOBODY, Caller, Row, Site, Target, mirrors_of, rows_of, targets_of
from laneway.mesh.stickiness import stick
from laneway.spec.istio.validation import BODY_BYTES_MAX
from laneway.spec.naming import MESH, covers

HTTP_PORT = 80
KNOWN_AS, KNOWN = "laneway", "known"
"""Filter and name under which a virtual host's metadata say that the mesh knows the host."""


def mesh_table_name(host: str) -> str:
    """Name of the route configuration that sidecars have for a host."""
    return f"{MESH}/{host}"


def port_table_name(host: str, port: int) -> str:
    """Istio's name of the route configuration for a port of a host that callers reach by an address."""
    return f"{host}:{port}"


def scope(name: str, table: str) -> Resource:
    """Requests to this name (`:authority` without the port) are decided by this route configuration."""
    key = route_message("ScopedRouteConfiguration.Key")
    fragment = key.Fragment(string_key=name)
    value = route_message("ScopedRouteConfiguration")(
        name=name, route_configuration_name=table, key=key(fragments=[fragment])
    )
    return resource(name, value)


def mesh_table(name: str, registry: Registry, caller: Caller = NOBODY) -> Resource | None:
    """The route configuration of a host at a caller's sidecar; None for an unknown name.

    It is the same for every caller unless the host's rules tell callers apart.

    Rules of a name that is no host count on port 80, under that name alone: as in Istio.
    """
    host = registry.host(name)
    rules = registry.rules_of(name)
    if host is None and rules is None:
        return None
    names = (*host.names, *((host.short,) if host.short else ())) if host else (name,)
    ports = [port.number for port in host.ports if port.protocol.http] if host else [HTTP_PORT]
    builder = TableBuilder(registry)
    for port in ports:
        domains = [f"{alias}:{port}" for alias in names] + (list(names) if port == HTTP_PORT else [])
        builder.add_port(name, port, domains, caller)
    return builder.build(mesh_table_name(name))


def port_tables(name: str, registry: Registry, caller: Caller = NOBODY) -> list[Resource]:
    """The route configurations of a host's HTTP ports for callers that reach them by an address.

    They say the same as `mesh_table`, for requests that name the host in any way.
    """
    host = registry.host(name)
    found = []
    for port in [port.number for port in host.ports if port.protocol.http] if host else []:
        builder = TableBuilder(registry)
        builder.add_port(name, port, ["*"], caller)
        found.append(builder.build(port_table_name(name, port)))
    return found


def gateway_table(
    name: str, table: GatewayTable, port: int, hosts: Iterable[str], registry: Registry
) -> Resource:
    """A route configuration for hosts of a gateway's port, whatever port the request itself names."""
    builder = TableBuilder(registry)
    site = table.site(port)
    redirecting = table.redirecting(port)
    for host in sorted({*hosts, *redirecting}):
        rows = rows_of(table.sources((port, host)), site)
        closed = any(covers(pattern, host) for pattern in redirecting)
        builder.add_rows(f"{host}:{port}", [host], rows, site, require_tls="ALL" if closed else "NONE")
    return builder.build(name, ignore_port_in_host_matching=True)


class TableBuilder:
    """Collects the virtual hosts of one route configuration, and the clusters that they name."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._hosts: list[Any] = []
        self._needs: set[str] = set()

    def build(self, name: str, **fields: Any) -> Resource:
        """The route configuration."""
        value = route_message("RouteConfiguration")(
            name=name,
            virtual_hosts=self._hosts,
            validate_clusters={"value": False},
            response_headers_to_remove=[UNDELIVERED],
            max_direct_response_body_size_bytes={"value": BODY_BYTES_MAX},
            **fields,
        )
        return resource(name, value, self._needs)

    def add_port(self, name: str, port: int, domains: Sequence[str], caller: Caller) -> None:
        """A virtual host for a port of a mesh host: by its rules, or without any where it has none."""
        host, rules = self._registry.host(name), self._registry.rules_of(name)
        site = Site(frozenset({MESH}), port, caller)
        rows = rows_of([rules] if rules else [], site)
        if rows:
            self.add_rows(f"{name}:{port}", domains, rows, site)
        elif host:
            self.add_default(f"{name}:{port}", domains, host, port)

    def add_default(self, name: str, domains: Sequence[str], host: Host, port: int) -> None:
        """A virtual host without rules: everything goes to the host's port."""
        self._needs.add(outbound(host.name, port))
        route = default_route(host, port)
        stick(route, [Target(host.name, port, "", 1)], self._registry)
        self._add(name, domains, routes=[route])

    def add_rows(
        self, name: str, domains: Sequence[str], rows: Sequence[Row], site: Site, **fields: Any
    ) -> None:
        """A virtual host that tries these rows, and answers 404 where none matches."""
        routes = {}
        for row in rows:
            targets = targets_of(row, site, self._registry)
            mirrors = mirrors_of(row, site, self._registry)
            self._needs.update(target.cluster for target in targets)
            self._needs.update(mirror.target.cluster for mirror in mirrors)
            routes[id(row)] = route_of(row, targets, mirrors, site)
            stick(routes[id(row)], targets, self._registry, row.route.retries)
        tree = tree_of(rows)
        if tree is None:
            closed = bool(rows) and rows[-1].catch_all
            found = [routes[id(row)] for row in rows]
            self._add(name, domains, routes=found if closed else [*found, unmatched()], **fields)
        else:
            self._add(name, domains, matcher=_matcher(tree, routes), **fields)

    def _add(self, name: str, domains: Sequence[str], **fields: Any) -> None:
        host = route_message("VirtualHost")(
            name=name,
            domains=domains,
            include_request_attempt_count=True,
            retry_policy=default_retries(),
            metadata={"filter_metadata": {KNOWN_AS: {"fields": {KNOWN: {"bool_value": True}}}}},
            **fields,
        )
        self._hosts.append(host)


def _matcher(tree: HeaderTree, routes: dict[int, Any]) -> Any:
    """The tree as Envoy's generic matcher. Envoy never goes on in `on_no_match` after a branch."""
    matcher = message("xds.type.matcher.v3.Matcher")
    header = message("envoy.type.matcher.v3.HttpRequestHeaderMatchInput")(header_name=tree.header)
    result = matcher(on_no_match=_on_match([routes[id(row)] for row in tree.rest], _closed(tree.rest)))
    result.matcher_tree.input.name = "header"
    result.matcher_tree.input.typed_config.CopyFrom(any_of(header))
    entries = result.matcher_tree.exact_match_map.map
    for value, rows in tree.branches.items():
        closed = ends(rows[-1], tree.header, value)
        entries[value].CopyFrom(_on_match([routes[id(row)] for row in rows], closed))
    return result


def _closed(rows: Sequence[Row]) -> bool:
    return bool(rows) and rows[-1].catch_all


def _on_match(routes: list[Any], closed: bool) -> Any:
    found = routes if closed else [*routes, unmatched()]
    value = found[0] if len(found) == 1 else route_message("RouteList")(routes=found)
    action = {"name": "route", "typed_config": any_of(value)}
    return message("xds.type.matcher.v3.Matcher.OnMatch")(action=action)
