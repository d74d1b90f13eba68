"""Rows as Envoy routes: names, actions, and what else a rule does; field by field as Istio writes them.

Must not know tables, proxies, nor which other rows there are.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from laneway.mesh.conditions import PATH, Op
from laneway.mesh.cors import CORS, cors_of
from laneway.mesh.faults import FAULT, fault_of, fraction
from laneway.mesh.header_changes import change_headers
from laneway.mesh.hosts import Host
from laneway.mesh.protos import message
from laneway.mesh.redirects import redirect_of
from laneway.mesh.retries import retries_of
from laneway.mesh.route_match import match_of
from laneway.mesh.rules import Mirror, Row, Site, Target, host_header, rewritten_authority
from laneway.spec.istio import HTTPDirectResponse, HTTPRewrite, HTTPRoute

UNMATCHED = "unmatched"
"""Name of the route that answers 404 where no rule matches."""


def route_message(name: str) -> type[Any]:
    """The class of a message of Envoy's route package."""
    return message(f"envoy.config.route.v3.{name}")


def route_of(row: Row, targets: tuple[Target, ...], mirrors: tuple[Mirror, ...], site: Site) -> Any:
    """A row's route, to these targets and with copies to these mirrors where it does not answer by itself."""
    rule = row.route
    route = route_message("Route")(
        name=row.name,
        match=match_of(row.conditions),
        metadata=_metadata(row),
        decorator={"operation": _operation(row, targets, site)},
        stat_prefix=row.match.stat_prefix or "",
    )
    if rule.redirect is not None:
        route.redirect.CopyFrom(redirect_of(rule.redirect, site.port))
    elif rule.direct_response is not None:
        _answer(route.direct_response, rule.direct_response)
    else:
        route.route.CopyFrom(_action(targets, rule))
        route.route.request_mirror_policies.extend(map(_mirror, mirrors))
    if rule.fault is not None:
        route.typed_per_filter_config[FAULT].CopyFrom(fault_of(rule.fault))
    if rule.cors_policy is not None:
        route.typed_per_filter_config[CORS].CopyFrom(cors_of(rule.cors_policy))
    change_headers(route, rule.headers)
    if len(targets) == 1:
        change_headers(route, targets[0].headers)
    return route


def default_route(host: Host, port: int) -> Any:
    """The route of a host without rules: everything goes to the port that was called."""
    return route_message("Route")(
        name="default",
        match=match_of(()),
        route=_action((Target(host.name, port, "", 1),), HTTPRoute()),
        decorator={"operation": f"{host.name}:{port}/*"},
    )


@cache
def unmatched() -> Any:
    """The route that ends a table whose rules do not match every request."""
    return route_message("Route")(name=UNMATCHED, match=match_of(()), direct_response={"status": 404})


def _metadata(row: Row) -> Any:
    """Names the VirtualService, for logs."""
    metadata = message("envoy.config.core.v3.Metadata")()
    namespace, name = row.source.key
    path = f"/apis/networking.istio.io/v1/namespaces/{namespace}/virtual-service/{name}"
    metadata.filter_metadata["istio"].fields["config"].string_value = path
    return metadata


def _operation(row: Row, targets: tuple[Target, ...], site: Site) -> str:
    """Istio's name of the operation, for traces: who serves it, and the pattern of the path."""
    pattern = "/*"
    for condition in row.conditions:
        if condition.subject == PATH:
            pattern = condition.value + ("*" if condition.op is Op.PREFIX else "")
    if len(targets) == 1:
        return f"{targets[0].host}:{targets[0].port}{pattern}"
    return f"{row.source.metadata.name}:{site.port}{pattern}"


def _action(targets: tuple[Target, ...], rule: HTTPRoute) -> Any:
    action = route_message("RouteAction")()
    # Envoy's default is 15 s; Istio's is no limit.
    action.timeout.FromTimedelta(rule.timeout or timedelta())
    authority = rewritten_authority(rule)
    if len(targets) == 1:
        action.cluster = targets[0].cluster
        authority = authority or host_header(targets[0].headers)
    else:
        action.weighted_clusters.clusters.extend(map(_share, targets))
    if rule.retries is not None:
        action.retry_policy.CopyFrom(retries_of(rule.retries))
    if rule.rewrite is not None:
        _rewrite_path(action, rule.rewrite)
    if authority:
        action.host_rewrite_literal = authority
    return action


def _answer(action: Any, response: HTTPDirectResponse) -> None:
    action.status = response.status
    if response.body is None:
        return
    if response.body.bytes_ is not None:
        action.body.inline_bytes = response.body.content
    else:
        action.body.inline_string = response.body.string


def _rewrite_path(action: Any, rewrite: HTTPRewrite) -> None:
    if rewrite.uri_regex_rewrite is not None:
        action.regex_rewrite.pattern.regex = rewrite.uri_regex_rewrite.match
        action.regex_rewrite.substitution = rewrite.uri_regex_rewrite.rewrite
    elif rewrite.uri is not None:
        action.prefix_rewrite = rewrite.uri


def _mirror(mirror: Mirror) -> Any:
    """Copies keep the Host as it is: Envoy would otherwise append `-shadow`, Istio does not."""
    return route_message("RouteAction.RequestMirrorPolicy")(
        cluster=mirror.target.cluster,
        runtime_fraction={"default_value": fraction(mirror.percent)},
        trace_sampled={"value": False},
        disable_shadow_host_suffix_append=True,
    )


def _share(target: Target) -> Any:
    share = route_message("WeightedCluster.ClusterWeight")(
        name=target.cluster, weight={"value": target.weight}
    )
    change_headers(share, target.headers)
    if authority := host_header(target.headers):
        share.host_rewrite_literal = authority
    return share
