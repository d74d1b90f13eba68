"""Rows as Envoy routes: match, action, retries, header changes; field by field as Istio writes them.

Must not know tables, proxies, nor which other rows there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any

from laneway.mesh.header_changes import change_headers
from laneway.mesh.hosts import Host
from laneway.mesh.protos import any_of, message
from laneway.mesh.rules import PATH, Condition, Op, Row, Site, Target, host_header, rewritten_authority
from laneway.spec.istio import HTTPRetry, HTTPRoute

UNMATCHED = "unmatched"
"""Name of the route that answers 404 where no rule matches."""
RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
"""Istio's default conditions for a retry."""
RETRIES = 2
"""Istio's default number of retries."""


def route_message(name: str) -> type[Any]:
    """The class of a message of Envoy's route package."""
    return message(f"envoy.config.route.v3.{name}")


def route_of(row: Row, targets: tuple[Target, ...], site: Site) -> Any:
    """A row's route, to these targets where it has no direct response."""
    rule = row.route
    route = route_message("Route")(
        name=row.name,
        match=_match(row.conditions),
        metadata=_metadata(row),
        decorator={"operation": _operation(row, targets, site)},
    )
    if rule.direct_response is not None:
        route.direct_response.status = rule.direct_response.status
        if rule.direct_response.body is not None:
            route.direct_response.body.inline_string = rule.direct_response.body.string
    else:
        route.route.CopyFrom(_action(targets, rule))
    change_headers(route, rule.headers)
    if len(targets) == 1:
        change_headers(route, targets[0].headers)
    return route


def default_route(host: Host, port: int) -> Any:
    """The route of a host without rules: everything goes to the port that was called."""
    return route_message("Route")(
        name="default",
        match=_match(()),
        route=_action((Target(host.name, port, "", 1),), HTTPRoute()),
        decorator={"operation": f"{host.name}:{port}/*"},
    )


@cache
def unmatched() -> Any:
    """The route that ends a table whose rules do not match every request."""
    return route_message("Route")(name=UNMATCHED, match=_match(()), direct_response={"status": 404})


def _match(conditions: Iterable[Condition]) -> Any:
    match = route_message("RouteMatch")()
    for condition in conditions:
        if condition.subject == PATH:
            _match_path(match, condition)
        else:
            match.headers.append(_header_matcher(condition))
    if match.WhichOneof("path_specifier") is None:
        match.prefix = "/"
    return match


def _match_path(match: Any, condition: Condition) -> None:
    match.case_sensitive.value = not condition.ignore_case
    if condition.op is Op.EXACT:
        match.path = condition.value
    elif condition.op is Op.PREFIX:
        match.prefix = condition.value
    else:
        match.safe_regex.regex = condition.value


def _header_matcher(condition: Condition) -> Any:
    matcher = route_message("HeaderMatcher")(name=condition.subject)
    if condition.op is Op.EXACT:
        matcher.string_match.exact = condition.value
    elif condition.op is Op.PREFIX:
        matcher.string_match.prefix = condition.value
    elif condition.op is Op.REGEX:
        matcher.string_match.safe_regex.regex = condition.value
    else:
        matcher.present_match = True
    return matcher


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
        action.retry_policy.CopyFrom(_retries(rule.retries))
    if rule.rewrite is not None and rule.rewrite.uri is not None:
        action.prefix_rewrite = rule.rewrite.uri
    if authority:
        action.host_rewrite_literal = authority
    return action


def _share(target: Target) -> Any:
    share = route_message("WeightedCluster.ClusterWeight")(
        name=target.cluster, weight={"value": target.weight}
    )
    change_headers(share, target.headers)
    if authority := host_header(target.headers):
        share.host_rewrite_literal = authority
    return share


def _retries(retries: HTTPRetry) -> Any:
    """A retry policy of a rule's own. Integers among the conditions are statuses.

    Without attempts it has no condition, and so keeps the virtual host's default away.
    """
    policy = route_message("RetryPolicy")()
    policy.num_retries.value = retries.attempts
    if not retries.attempts:
        return policy
    policy.MergeFrom(default_retries())
    policy.num_retries.value = retries.attempts
    if retries.per_try_timeout is not None:
        policy.per_try_timeout.FromTimedelta(retries.per_try_timeout)
    if retries.retry_on:
        conditions = [part.strip() for part in retries.retry_on.split(",")]
        statuses = [int(part) for part in conditions if part.isdigit()]
        named = [part for part in conditions if not part.isdigit()]
        policy.retriable_status_codes.extend(statuses)
        policy.retry_on = ",".join([*named, *(["retriable-status-codes"] if statuses else [])])
    return policy


@cache
def default_retries() -> Any:
    """Istio's default for a rule that says nothing: two retries, each at another endpoint where there is one.

    It stands on virtual hosts, which costs a change of rules less than a copy in each route.
    """
    previous = message("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")()
    return route_message("RetryPolicy")(
        retry_on=RETRY_ON,
        num_retries={"value": RETRIES},
        host_selection_retry_max_attempts=5,
        retry_host_predicate=[
            {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": any_of(previous)}
        ],
    )
