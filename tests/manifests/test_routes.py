"""Rules: whose requests go where, walked as a proxy walks them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.plan.world import Body, walk

from laneway.manifests.reading import table_of
from laneway.manifests.routes import gateway_rules, mesh_rules
from laneway.plan.observed import Table
from laneway.plan.result import AppPlan, LaneRule
from laneway.spec.app import App
from laneway.spec.istio import VirtualService
from laneway.spec.meta import Key
from laneway.spec.values import FULL

GREEN = LaneRule("green", "green", "green")
REFUSED = LaneRule("strict", "strict", None)
SERVICE = {"ports": [{"port": 80, "targetPort": 8080}]}


def app(
    name: str = "pharmacy", namespace: str = "shop", created: datetime | None = None, **routing: Any
) -> App:
    """An App with this routing."""
    spec = {"workload": {"deployment": name}, "service": SERVICE, "routing": routing}
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": created}
    return App.model_validate({"metadata": metadata, "spec": spec})


def planned(of: App, *lanes: LaneRule, weights: dict[str, int] | None = None) -> AppPlan:
    """A plan of an App with these lanes and weights; stable is the first version."""
    shares = weights or {"aaa": FULL}
    return AppPlan(of.key, next(iter(shares)), (), shares, lanes, guard=len(shares) > 1)


def mesh(of: App, *lanes: LaneRule, weights: dict[str, int] | None = None) -> Body:
    """The VirtualService of an App's mesh host."""
    body = mesh_rules(of, planned(of, *lanes, weights=weights), "x-lane")
    VirtualService.model_validate(body)
    return body


def gateways(*apps: App, lanes: tuple[LaneRule, ...] = ()) -> dict[Key, Body]:
    """The VirtualServices of the Apps' gateway hosts."""
    found = list(gateway_rules({each.key: (each, planned(each, *lanes)) for each in apps}, "x-lane"))
    return {
        Key(b["metadata"]["namespace"], b["metadata"]["name"]): b
        for b in found
        if VirtualService.model_validate(b)
    }


def target(rules: Body, path: str = "/", **headers: str) -> str:
    """The Service (and subset) that a request reaches, or the status it is answered with."""
    rule = walk(rules, path, {name.replace("_", "-"): value for name, value in headers.items()})
    if rule is None:
        return "404"
    if "directResponse" in rule:
        return str(rule["directResponse"]["status"])
    parts = [r["destination"] for r in rule["route"]]
    return " ".join(
        part["host"].split(".")[0] + (f"/{part['subset']}" if "subset" in part else "") for part in parts
    )


def test_an_app_without_rules_takes_everything() -> None:
    """One rule that matches every request, on the mesh host alone."""
    body = mesh(app())
    assert body["spec"] == {
        "hosts": ["pharmacy.shop.svc.cluster.local"],
        "gateways": ["mesh"],
        "http": [
            {
                "name": "default",
                "route": [{"destination": {"host": "pharmacy.shop.svc.cluster.local", "subset": "r-aaa"}}],
            }
        ],
    }


def test_each_match_block_of_each_rule_is_cloned_for_a_lane() -> None:
    """The lane's header is ANDed into every block: a bare lane rule would take the paths of the others."""
    http = [
        {"name": "slow", "match": [{"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/b"}}], "timeout": "9s"},
        {"name": "rest", "rewrite": {"uri": "/v1"}, "retries": {"attempts": 0}},
    ]
    body = mesh(app(http=http), GREEN)
    names = [rule["name"] for rule in body["spec"]["http"]]
    assert names == ["lane-green-slow", "lane-green-rest", "slow", "rest"]
    for path in ("/a", "/b", "/c"):
        assert target(body, path, x_lane="green") == "pharmacy-green"
        assert target(body, path) == target(body, path, x_lane="blue") == "pharmacy/r-aaa"
    slow, rest = body["spec"]["http"][:2]
    assert (slow["timeout"], rest["rewrite"], rest["retries"]) == ("9s", {"uri": "/v1"}, {"attempts": 0})


def test_requests_that_no_rule_matches_do_not_match_in_a_lane() -> None:
    """The lane's clones match no more than the rules they are clones of."""
    body = mesh(app(http=[{"match": [{"uri": {"prefix": "/a"}}]}]), GREEN)
    assert target(body, "/other", x_lane="green") == target(body, "/other") == "404"


def test_a_refused_lane_gets_503_and_nothing_of_the_rule_but_its_match() -> None:
    """Istio refuses a direct response beside a route, a rewrite or a timeout of one."""
    body = mesh(app(http=[{"timeout": "9s", "rewrite": {"uri": "/"}, "retries": {"attempts": 1}}]), REFUSED)
    assert set(body["spec"]["http"][0]) == {"name", "match", "directResponse"}
    assert target(body, x_lane="strict") == "503"


def test_any_lane_stays_on_stable_while_weights_are_split() -> None:
    """A tester's request is never part of a canary, unless his lane deploys the app."""
    body = mesh(app(), GREEN, weights={"aaa": 8_000, "bbb": 2_000})
    assert target(body, x_lane="green") == "pharmacy-green"
    assert target(body, x_lane="other") == "pharmacy/r-aaa"
    assert target(body) == "pharmacy/r-aaa pharmacy/r-bbb"


def test_weights_are_percent_where_they_are_whole() -> None:
    """People read what we write; a rest of rounding is left to Istio, which counts relative to the sum."""
    whole = mesh(app(), weights={"aaa": 8_000, "bbb": 2_000})["spec"]["http"][-1]["route"]
    exact = mesh(app(), weights={"aaa": 6_666, "bbb": 3_333})["spec"]["http"][-1]["route"]
    assert [route["weight"] for route in whole] == [80, 20]
    assert [route["weight"] for route in exact] == [6_666, 3_333]


def test_a_user_s_own_match_on_the_lane_header_is_not_widened() -> None:
    """A rule for the value `green` never takes `blue` into a lane, and goes with `green` into it."""
    http = [{"name": "own", "match": [{"headers": {"x-lane": {"exact": "green"}}}]}, {"name": "rest"}]
    body = mesh(app(http=http), LaneRule("blue", "blue", "blue"), GREEN, weights={"aaa": 5_000, "bbb": 5_000})
    assert target(body, x_lane="green") == "pharmacy-green"
    assert target(body, x_lane="blue") == "pharmacy-blue"
    names = [rule["name"] for rule in body["spec"]["http"]]
    assert names == [
        "lane-blue-rest",
        "lane-green-own",
        "lane-green-rest",
        "any-lane-own",
        "any-lane-rest",
        "own",
        "rest",
    ]


def test_rules_of_a_gateway_hold_there_alone() -> None:
    """`match.gateways` says where a rule holds, by whatever name of the gateway."""
    http = [{"name": "public", "match": [{"uri": {"prefix": "/p"}, "gateways": ["public"]}]}]
    of = app(hosts=["shop.example"], gateways=["shop/public"], http=http)
    assert [rule["name"] for rule in mesh(of)["spec"]["http"]] == ["default"]
    (public,) = gateways(of).values()
    assert public["spec"]["gateways"] == ["shop/public"]
    assert public["spec"]["http"][0]["match"] == [{"uri": {"prefix": "/p"}}]
    assert target(public, "/other") == "404"


def test_a_rule_for_some_callers_is_for_none_at_a_gateway_that_is_named() -> None:
    """Istio forgets `sourceLabels` in a match that names gateways: the rule would take all requests."""
    http = [
        {"name": "own", "match": [{"uri": {"prefix": "/p"}, "sourceLabels": {"app": "cart"}}]},
        {"name": "ours", "match": [{"uri": {"prefix": "/q"}, "sourceNamespace": "shop"}]},
        {"name": "rest"},
    ]
    one = app(hosts=["shop.example"], gateways=["public"], http=http)
    both = app("page", hosts=["shop.example"], gateways=["public", "partners"], order=1)
    (body,) = gateways(one, both, lanes=(GREEN,)).values()
    assert [rule["name"] for rule in body["spec"]["http"]] == [
        "lane-green-rest",
        "rest",
        "lane-green-default",
        "default",
    ]
    assert [rule["name"] for rule in mesh(one)["spec"]["http"]] == ["own", "ours", "rest"]


def test_an_app_whose_rules_are_all_for_some_callers_takes_nothing_at_a_gateway_that_is_named() -> None:
    """No rule is left there, and none that matches everything takes their place."""
    http = [{"match": [{"uri": {"prefix": "/p"}, "sourceLabels": {"app": "cart"}}]}]
    one = app(hosts=["shop.example"], gateways=["public"], http=http)
    other = app("page", hosts=["shop.example"], gateways=["partners"], order=1)
    (body,) = gateways(one, other).values()
    assert [rule["match"] for rule in body["spec"]["http"]] == [[{"gateways": ["shop/partners"]}]]


def test_apps_that_share_a_host_keep_their_rules_together() -> None:
    """By order, then age, then name: lane rules of one never come between those of another."""
    paths = [{"name": "p", "match": [{"uri": {"prefix": "/pharmacy"}}]}]
    pharmacy = app(hosts=["shop.example"], gateways=["public"], order=-1, http=paths)
    page = app("page", hosts=["shop.example"], gateways=["shop/public"])
    (body,) = gateways(page, pharmacy, lanes=(GREEN,)).values()
    assert [rule["name"] for rule in body["spec"]["http"]] == [
        "lane-green-p",
        "p",
        "lane-green-default",
        "default",
    ]
    assert target(body, "/pharmacy/1", x_lane="green") == "pharmacy-green"
    assert target(body, "/pharmacy/1") == "pharmacy/r-aaa"
    assert target(body, "/", x_lane="green") == "page-green"


def test_the_older_app_comes_first_where_the_order_is_equal() -> None:
    """An App that is not stored yet is the youngest."""
    old = app("zebra", created=datetime(2020, 1, 1, tzinfo=UTC), hosts=["h.example"], gateways=["g"])
    young = app("ant", created=datetime(2021, 1, 1, tzinfo=UTC), hosts=["h.example"], gateways=["g"])
    new = app("aardvark", hosts=["h.example"], gateways=["g"])
    (body,) = gateways(new, young, old).values()
    assert [r["route"][0]["destination"]["host"].split(".")[0] for r in body["spec"]["http"]] == [
        "zebra",
        "ant",
        "aardvark",
    ]


def test_a_host_has_one_virtual_service_whatever_its_apps_namespaces() -> None:
    """Istio merges two in no certain order: the rules of one team could hide those of another."""
    one = app(namespace="team-b", hosts=["Shop.example"], gateways=["infra/public"])
    two = app("page", namespace="team-a", hosts=["shop.example"], gateways=["infra/public"], order=1)
    assert list(gateways(one, two)) == [Key("team-a", "gateway.shop.example")]


def test_apps_on_different_gateways_of_a_host_keep_to_their_own() -> None:
    """The host's rules stand on all of them, each App's only where it is bound."""
    public = app(hosts=["shop.example"], gateways=["public"])
    both = app("page", hosts=["shop.example"], gateways=["public", "partners"], order=1)
    (body,) = gateways(public, both).values()
    assert body["spec"]["gateways"] == ["shop/partners", "shop/public"]
    assert [rule.get("match") for rule in body["spec"]["http"]] == [[{"gateways": ["shop/public"]}], None]


def test_hosts_that_differ_in_a_dot_have_rules_of_their_own() -> None:
    """`api.shop.example` and `api-shop.example` are two objects."""
    assert len(gateways(app(hosts=["api.shop.example", "api-shop.example", "*"], gateways=["public"]))) == 3


def test_a_gateway_names_the_port_where_the_service_has_several() -> None:
    """A gateway's own port says nothing about the Service's; a sidecar keeps the port that was called."""
    ports = [{"name": "http", "port": 8080}, {"name": "admin", "port": 9090}]
    routing = {"hosts": ["shop.example"], "gateways": ["public"]}
    spec = {"workload": {"deployment": "pharmacy"}, "service": {"ports": ports}, "routing": routing}
    of = App.model_validate({"metadata": {"name": "pharmacy", "namespace": "shop"}, "spec": spec})
    (body,) = gateways(of, lanes=(GREEN,)).values()
    assert [rule["route"][0]["destination"]["port"] for rule in body["spec"]["http"]] == [
        {"number": 8080}
    ] * 2
    assert "port" not in mesh(of)["spec"]["http"][0]["route"][0]["destination"]


revisions = st.lists(
    st.text("0123456789abcdef", min_size=10, max_size=10), unique=True, min_size=2, max_size=2
)
names = st.from_regex(r"[a-z][-a-z0-9]{0,8}[a-z0-9]", fullmatch=True)


@given(
    revisions,
    st.integers(0, FULL),
    st.integers(0, 1),
    st.lists(names, unique=True, max_size=4),
    names,
    st.booleans(),
)
def test_the_route_table_is_read_back_from_the_rules(
    versions: list[str], share: int, rest: int, lanes: list[str], name: str, rules: bool
) -> None:
    """What the planner sees of its own writing is what it wrote: there is no other memory of weights."""
    weights = {versions[0]: FULL - share - rest, versions[1]: share}
    weights = {revision: weight for revision, weight in weights.items() if weight > 0}
    if len(weights) == 1:
        weights = dict.fromkeys(weights, FULL)
    http = [{"match": [{"uri": {"prefix": "/a"}}]}, {"timeout": "1s"}] if rules else []
    of = app(name, http=http)
    body = mesh(of, *(LaneRule(lane, lane, lane) for lane in lanes), REFUSED, weights=weights)
    assert table_of(of.key, VirtualService.model_validate(body)) == Table(weights, frozenset(lanes))


def test_the_smallest_weight_is_read_back() -> None:
    """Only weights that sum to 100 are percent."""
    body = mesh(app(), weights={"aaa": 9_999, "bbb": 1})
    assert table_of(Key("shop", "pharmacy"), VirtualService.model_validate(body)).weights == {
        "aaa": 9_999,
        "bbb": 1,
    }


def test_a_match_for_one_of_several_gateways_keeps_to_it() -> None:
    """The VirtualService stands on both; the rule does not."""
    http = [
        {"name": "inner", "match": [{"uri": {"prefix": "/admin"}, "gateways": ["partners"]}]},
        {"name": "rest"},
    ]
    (body,) = gateways(app(hosts=["shop.example"], gateways=["public", "partners"], http=http)).values()
    inner, rest = body["spec"]["http"]
    assert inner["match"] == [{"uri": {"prefix": "/admin"}, "gateways": ["shop/partners"]}]
    assert "match" not in rest


def test_a_rule_that_answers_has_no_weights() -> None:
    """It redirects or answers in every lane, in a release, and where a lane is refused."""
    http = [
        {"name": "old", "match": [{"uri": {"prefix": "/old"}}], "redirect": {"uri": "/new"}},
        {"name": "health", "match": [{"uri": {"exact": "/up"}}], "directResponse": {"status": 200}},
        {"name": "rest"},
    ]
    body = mesh(app(http=http), GREEN, REFUSED, weights={"aaa": 8_000, "bbb": 2_000})
    for rule in body["spec"]["http"]:
        assert len({"route", "redirect", "directResponse"} & rule.keys()) == 1
    for headers in ({}, {"x_lane": "green"}, {"x_lane": "strict"}, {"x_lane": "other"}):
        assert walk(body, "/old", {k.replace("_", "-"): v for k, v in headers.items()})["redirect"] == {  # type: ignore[index]
            "uri": "/new"
        }
        assert target(body, "/up", **headers) == "200"
    assert target(body, "/", x_lane="strict") == "503"
    assert table_of(Key("shop", "pharmacy"), VirtualService.model_validate(body)) == Table(
        {"aaa": 8_000, "bbb": 2_000}, frozenset({"green"})
    )


def test_weights_are_read_back_where_the_last_rule_answers() -> None:
    """They stand at every rule that routes."""
    http = [{"match": [{"uri": {"prefix": "/a"}}]}, {"directResponse": {"status": 404}}]
    body = mesh(app(http=http), weights={"aaa": 8_000, "bbb": 2_000})
    found = table_of(Key("shop", "pharmacy"), VirtualService.model_validate(body))
    assert found.weights == {"aaa": 8_000, "bbb": 2_000}


def test_lanes_are_not_mirrored() -> None:
    """Copies are of everybody's traffic; at a shared host the mirror is named in full."""
    http = [{"mirror": {"host": "shadow"}, "mirrorPercentage": {"value": 5.0}, "fault": {"abort": {}}}]
    own = app(http=http)
    lane, user = mesh(own, GREEN)["spec"]["http"]
    assert "mirror" not in lane and "mirrorPercentage" not in lane
    assert lane["fault"] == user["fault"] == {"abort": {}}
    assert user["mirror"] == {"host": "shadow.shop.svc.cluster.local"}
    assert user["mirrorPercentage"] == {"value": 5.0}


def test_everything_a_rule_says_reaches_the_mesh() -> None:
    """Beside the destinations, which are Laneway's."""
    rule = {
        "name": "all",
        "match": [{"queryParams": {"q": {"exact": "1"}}, "withoutHeaders": {"x-a": {}}}],
        "rewrite": {"uriRegexRewrite": {"match": "/a", "rewrite": "/b"}},
        "retries": {"attempts": 1, "backoff": "1s", "retryRemoteLocalities": True},
        "corsPolicy": {"allowOrigins": [{"exact": "*"}], "maxAge": "1h"},
        "fault": {"delay": {"fixedDelay": "1s", "percentage": {"value": 0.5}}},
        "mirrors": [{"destination": {"host": "shadow.shop.svc.cluster.local"}}],
    }
    (written,) = mesh(app(http=[rule]))["spec"]["http"]
    assert {field: written[field] for field in rule} == rule
