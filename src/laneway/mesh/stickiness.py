"""Requests that are alike go to the same endpoint: the hash policies of routes to hosts that are so balanced.

Must not know rules; it changes routes that are made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from laneway.mesh.registry import Registry
from laneway.mesh.retries import default_retries
from laneway.mesh.routes import route_message
from laneway.mesh.rules import Target
from laneway.spec.istio import ConsistentHash, HTTPRetry


def stick(
    route: Any, targets: Iterable[Target], registry: Registry, retries: HTTPRetry | None = None
) -> None:
    """Let a route tell the balancers of its targets what makes requests alike.

    A retry then goes to the same endpoint too, as in Istio, unless the rule's retries want another one.
    """
    found = [hashed for target in targets if (hashed := _hashed(target, registry))]
    if not found or not route.HasField("route"):
        return
    action = route.route
    action.hash_policy.extend(_hash_policy(hashed) for hashed in found)
    if not action.HasField("retry_policy"):
        action.retry_policy.CopyFrom(default_retries())
    if not (retries and retries.retry_ignore_previous_hosts):
        action.retry_policy.ClearField("retry_host_predicate")
        action.retry_policy.ClearField("host_selection_retry_max_attempts")


def _hashed(target: Target, registry: Registry) -> ConsistentHash | None:
    host = registry.host(target.host)
    return registry.policy(host).settings(target.port, target.subset).hashed if host else None


def _hash_policy(hashed: ConsistentHash) -> Any:
    policy = route_message("RouteAction.HashPolicy")()
    cookie = hashed.http_cookie
    if hashed.http_header_name is not None:
        policy.header.header_name = hashed.http_header_name
    elif cookie is not None:
        policy.cookie.name, policy.cookie.path = cookie.name, cookie.path
        if cookie.ttl is not None:
            policy.cookie.ttl.FromTimedelta(cookie.ttl)
        for attribute in cookie.attributes:
            policy.cookie.attributes.add(name=attribute.name, value=attribute.value)
    elif hashed.http_query_parameter_name is not None:
        policy.query_parameter.name = hashed.http_query_parameter_name
    else:
        policy.connection_properties.source_ip = True
    return policy
