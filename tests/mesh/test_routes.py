"""A rule as an Envoy route."""

from __future__ import annotations

from typing import Any

from tests.mesh.mesh_objects import SHOP, registry, rules

from laneway.mesh.delivery import CONDITIONS, UNDELIVERED
from laneway.mesh.protos import message
from laneway.mesh.retries import RETRY_ON, default_retries
from laneway.mesh.routes import route_of
from laneway.mesh.rules import Site, mirrors_of, rows_of, targets_of

TO = [{"destination": {"host": "pharmacy"}}]
OPTION = message("envoy.config.core.v3.HeaderValueOption")


def route(**rule: Any) -> Any:
    """The route of one rule with one match block."""
    site = Site(frozenset({"mesh"}), 80)
    given = rule if {"directResponse", "redirect"} & rule.keys() else {"route": TO} | rule
    (row,) = rows_of([rules(given)], site)
    found = registry(SHOP)
    return route_of(row, targets_of(row, site, found), mirrors_of(row, site, found), site)


def test_the_route_names_rule_and_object() -> None:
    """So that a line of an access log can."""
    found = route(name="r", match=[{"name": "m"}])
    assert found.name == "r.m"
    config = found.metadata.filter_metadata["istio"].fields["config"].string_value
    assert config == "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/pharmacy"


def test_no_match_is_every_path() -> None:
    """Without a word about case."""
    found = route()
    assert found.match.prefix == "/"
    assert not found.match.HasField("case_sensitive")
    assert found.decorator.operation == "pharmacy.shop.svc.cluster.local:80/*"


def test_conditions_become_matchers() -> None:
    """Header names in lower case; methods and authorities as pseudo-headers."""
    match = {
        "uri": {"regex": "/[a-z]+"},
        "headers": {"X-Lane": {"exact": "green"}, "x-b": {"prefix": "c"}, "x-d": {}},
        "method": {"regex": "GET|PUT"},
    }
    found = route(match=[match]).match
    assert (found.safe_regex.regex, found.case_sensitive.value) == ("/[a-z]+", True)
    lane, prefix, present, method = found.headers
    assert (lane.name, lane.string_match.exact) == ("x-lane", "green")
    assert (prefix.name, prefix.string_match.prefix) == ("x-b", "c")
    assert (present.name, present.present_match) == ("x-d", True)
    assert (method.name, method.string_match.safe_regex.regex) == (":method", "GET|PUT")


def test_paths_can_be_matched_without_case() -> None:
    """`ignoreUriCase`."""
    found = route(match=[{"uri": {"exact": "/a"}, "ignoreUriCase": True}]).match
    assert (found.path, found.case_sensitive.value) == ("/a", False)


def test_one_destination_is_a_plain_cluster() -> None:
    """Without limit of time; its retries are the virtual host's."""
    action = route().route
    assert action.cluster == "outbound|80||pharmacy.shop.svc.cluster.local"
    assert action.HasField("timeout")
    assert action.timeout.ToTimedelta().total_seconds() == 0
    assert not action.HasField("retry_policy")


def test_the_default_is_istios() -> None:
    """For every rule that says nothing of retries; with what nobody has read."""
    retries = default_retries()
    assert retries.num_retries.value == 2
    assert retries.retry_on == f"{RETRY_ON},reset-before-request,retriable-headers"
    assert [predicate.name for predicate in retries.retry_host_predicate] == [
        "envoy.retry_host_predicates.previous_hosts"
    ]


def test_weights_stand_as_given() -> None:
    """They count relative to their sum."""
    shares = [
        {"destination": {"host": "pharmacy", "subset": name}, "weight": weight}
        for name, weight in (("a", 4), ("b", 1))
    ]
    found = route(route=shares)
    clusters = found.route.weighted_clusters.clusters
    assert [(cluster.name.split("|")[2], cluster.weight.value) for cluster in clusters] == [
        ("a", 4),
        ("b", 1),
    ]
    assert found.decorator.operation == "pharmacy:80/*"


def test_no_attempts_are_no_retries_but_of_what_nobody_has_read() -> None:
    """A policy of its own stands in the way of the virtual host's."""
    policy = route(retries={"attempts": 0}).route.retry_policy
    assert policy.retry_on == CONDITIONS
    assert [header.name for header in policy.retriable_headers] == [UNDELIVERED]
    assert policy.num_retries.value == 2


def test_statuses_among_the_conditions_are_retried() -> None:
    """As Istio splits them."""
    given = {"attempts": 3, "perTryTimeout": "250ms", "retryOn": "5xx,503,gateway-error"}
    policy = route(retries=given).route.retry_policy
    assert policy.retry_on == f"5xx,gateway-error,retriable-status-codes,{CONDITIONS}"
    assert len(policy.retriable_headers) == 1
    assert list(policy.retriable_status_codes) == [503]
    assert policy.num_retries.value == 3
    assert policy.per_try_timeout.ToTimedelta().total_seconds() == 0.25


def test_rewrite_and_timeout() -> None:
    """Prefix and authority."""
    action = route(rewrite={"uri": "/api", "authority": "other"}, timeout="7s").route
    assert (action.prefix_rewrite, action.host_rewrite_literal) == ("/api", "other")
    assert action.timeout.ToTimedelta().total_seconds() == 7


def test_header_changes_are_set_then_added_by_name() -> None:
    """The host is rewritten, not set."""
    request = {"set": {"b": "1", "a": "2", "Host": "other"}, "add": {"c": "3"}, "remove": ["d"]}
    found = route(headers={"request": request, "response": {"remove": ["server"]}})
    assert [(option.header.key, option.append_action) for option in found.request_headers_to_add] == [
        ("a", OPTION.OVERWRITE_IF_EXISTS_OR_ADD),
        ("b", OPTION.OVERWRITE_IF_EXISTS_OR_ADD),
        ("c", OPTION.APPEND_IF_EXISTS_OR_ADD),
    ]
    assert list(found.request_headers_to_remove) == ["d"]
    assert list(found.response_headers_to_remove) == ["server"]
    assert found.route.host_rewrite_literal == "other"


def test_a_direct_response_has_no_cluster() -> None:
    """Status and body are the rule's."""
    found = route(directResponse={"status": 503, "body": {"string": "not here"}})
    assert (found.direct_response.status, found.direct_response.body.inline_string) == (503, "not here")
    assert not found.HasField("route")


def test_the_only_destinations_headers_follow_the_rules() -> None:
    """On the route itself, as Istio puts them."""
    share = {"headers": {"request": {"set": {"x": "share", "host": "other"}}, "response": {"remove": ["y"]}}}
    found = route(route=[TO[0] | share], headers={"request": {"set": {"x": "rule"}}})
    assert [option.header.value for option in found.request_headers_to_add] == ["rule", "share"]
    assert list(found.response_headers_to_remove) == ["y"]
    assert found.route.host_rewrite_literal == "other"


def test_each_share_has_its_own_headers() -> None:
    """On its part of the weighted cluster."""
    response = {"add": {"set-cookie": "cohort=b"}}
    shares = [
        {"destination": {"host": "pharmacy", "subset": "a"}, "weight": 4},
        {
            "destination": {"host": "pharmacy", "subset": "b"},
            "weight": 1,
            "headers": {"request": {"set": {"host": "other"}}, "response": response},
        },
    ]
    first, second = route(route=shares).route.weighted_clusters.clusters
    assert not first.response_headers_to_add
    assert [option.header.value for option in second.response_headers_to_add] == ["cohort=b"]
    assert (first.host_rewrite_literal, second.host_rewrite_literal) == ("", "other")
