"""The walker explains what proxies do."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mesh.generated_rules import http, request
from tests.mesh.mesh_objects import SHOP, decoded, parse, pod, registry, rules
from tests.mesh.route_evaluator import route_for

from laneway.mesh.matching import Request
from laneway.mesh.rules import Caller
from laneway.mesh.tables import mesh_table
from laneway.mesh.walk import AtGateway, AtSidecar, Hop, walk
from laneway.spec.meta import Key

PAGE = AtSidecar("shop", "sidecar of page", {"app": "page"})
INGRESS = AtGateway({"istio": "ingressgateway"}, 80, "ingress gateway")
PODS = (
    pod("a-1", {"app": "pharmacy", "version": "a"}),
    pod("a-2", {"app": "pharmacy", "version": "a"}, ready=False),
    pod("green-1", {"lane": "green"}),
)

EGRESS = """
kind: Service
metadata: {name: egress, namespace: istio-system}
spec: {selector: {istio: egressgateway}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
kind: ServiceEntry
metadata: {name: courier}
spec:
  hosts: [courier.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: DNS
---
kind: Gateway
metadata: {name: egress}
spec:
  selector: {istio: egressgateway}
  servers: [{port: {number: 80, name: http}, hosts: [courier.example]}]
---
kind: VirtualService
metadata: {name: courier}
spec:
  hosts: [courier.example]
  gateways: [mesh, egress]
  http:
  - name: out
    match: [{gateways: [mesh], uri: {prefix: /v1}}]
    rewrite: {uri: /api}
    headers: {request: {set: {x-out: "1"}, remove: [x-lane]}}
    route: [{destination: {host: egress.istio-system.svc.cluster.local}}]
  - name: away
    match: [{gateways: [egress], uri: {prefix: /api}, headers: {x-out: {exact: "1"}}}]
    route: [{destination: {host: courier.example}}]
"""

TWO_PORTS = """
kind: Service
metadata: {name: pharmacy}
spec: {selector: {app: pharmacy}, ports: [{name: one, port: 80}, {name: two, port: 8080}]}
"""


def only_hop(text: str, place: AtSidecar | AtGateway, request: Request) -> Hop:
    """The one hop of a walk."""
    (hop,) = walk(registry(text, PODS), place, request).hops
    return hop


def test_the_first_rule_that_matches_decides() -> None:
    """A lane's header leads to the lane's pods."""
    hop = only_hop(SHOP, PAGE, Request("pharmacy", headers={"X-Lane": "green"}))
    assert (hop.virtual_service, hop.rule, hop.name) == (Key("shop", "pharmacy"), 0, "lane-green")
    assert (hop.host, hop.why) == ("pharmacy.shop.svc.cluster.local", "header x-lane is 'green'")
    (share,) = hop.shares
    assert (share.host, share.percent, share.ready) == (
        "pharmacy-green.shop.svc.cluster.local",
        100,
        ("green-1",),
    )


def test_each_passed_rule_says_why() -> None:
    """The words name the header, what it is and what the rule wants."""
    hop = only_hop(SHOP, PAGE, Request("pharmacy", headers={"x-lane": "blue"}))
    assert (hop.name, hop.why) == ("weights", "the rule has no condition")
    (miss,) = hop.misses
    assert (miss.rule, miss.name) == (0, "lane-green")
    assert miss.why == "header x-lane is 'blue', the rule wants exactly 'green'"


def test_absent_headers_are_called_absent() -> None:
    """Absent is not the same as empty."""
    hop = only_hop(SHOP, PAGE, Request("pharmacy"))
    assert hop.misses[0].why == "header x-lane is absent, the rule wants exactly 'green'"


def test_shares_name_weight_subset_and_ready_pods() -> None:
    """A share without a ready pod says so."""
    hop = only_hop(SHOP, PAGE, Request("pharmacy"))
    stable, canary = hop.shares
    assert (stable.subset, stable.percent, stable.ready, stable.problem) == ("a", 80, ("a-1",), "")
    assert (canary.subset, canary.percent, canary.ready, canary.problem) == ("b", 20, (), "it has no pod")


def test_pods_that_are_not_ready_are_counted() -> None:
    """So that one knows whether to look at pods or at labels."""
    found = registry(SHOP, [pod("a-2", {"app": "pharmacy", "version": "a"}, ready=False)])
    (hop,) = walk(found, PAGE, Request("pharmacy")).hops
    assert hop.shares[0].problem == "none of its 1 pods is ready"


def test_a_host_without_rules_takes_its_default_route() -> None:
    """Everything goes to the port that was called."""
    hop = only_hop(SHOP, PAGE, Request("pharmacy-green.shop"))
    assert hop.virtual_service is None
    assert [share.host for share in hop.shares] == ["pharmacy-green.shop.svc.cluster.local"]


def test_an_unknown_host_is_a_502_at_a_sidecar() -> None:
    """A bare name counts in its own namespace only."""
    hop = only_hop(SHOP, AtSidecar("other", "sidecar of x"), Request("pharmacy"))
    assert (hop.status, hop.error) == (502, "nothing in the mesh is called pharmacy from namespace other")


def test_an_unknown_port_is_a_502_at_a_sidecar() -> None:
    """The ports that there are, are named."""
    hop = only_hop(SHOP, PAGE, Request("pharmacy", 9000))
    assert hop.status == 502
    assert hop.error == "pharmacy.shop.svc.cluster.local has no port 9000, only 80"


def test_an_unknown_host_is_a_404_at_a_gateway() -> None:
    """Gateways have no registry to be left out of."""
    hop = only_hop(EGRESS.replace("egressgateway", "ingressgateway"), INGRESS, Request("nowhere.example"))
    assert hop.status == 404
    assert "nowhere.example" in hop.error


def test_a_port_without_a_gateway_is_a_404() -> None:
    """An ingress without a Gateway serves nothing."""
    assert only_hop(SHOP, INGRESS, Request("pharmacy")).error == "no Gateway has a server on port 80 here"


def test_no_rule_that_matches_is_a_404() -> None:
    """The rules of a host do not fall back to its default route."""
    only = rules({"match": [{"uri": {"prefix": "/a"}}], "route": [{"destination": {"host": "pharmacy"}}]})
    found = registry([*parse(SHOP)[:2], only])
    (hop,) = walk(found, PAGE, Request("pharmacy", path="/b")).hops
    assert (hop.status, hop.error) == (404, "no rule matches")
    assert [miss.why for miss in hop.misses] == ["the path is '/b', the rule wants the prefix '/a'"]


def test_a_direct_response_is_the_end() -> None:
    """Its status is the answer."""
    only = rules({"directResponse": {"status": 503, "body": {"string": "lane green has no pharmacy"}}})
    (hop,) = walk(registry([*parse(SHOP)[:2], only]), PAGE, Request("pharmacy")).hops
    assert (hop.status, hop.shares, hop.error) == (503, (), "")


def test_a_route_to_a_gateway_goes_on_there() -> None:
    """The second hop sees the path and headers as the first one changed them."""
    gateway = pod("egress", {"istio": "egressgateway"}, namespace="istio-system")
    request = Request("courier.example", path="/v1/quote", headers={"x-lane": "green"})
    first, second = walk(registry(EGRESS, [gateway]), PAGE, request).hops
    assert (first.name, second.name) == ("out", "away")
    assert second.place == "gateway egress.istio-system.svc.cluster.local"
    assert second.request.path == "/api/quote"
    assert second.request.headers == {"x-out": "1"}
    assert [share.ready for share in second.shares] == [("courier.example",)]
    assert "is read at gateway shop/egress, the rule is for mesh only" in second.misses[0].why


def test_a_share_changes_headers_on_the_way_to_a_gateway() -> None:
    """The only share after its rule; one of several before it, as Envoy does."""
    gateway = pod("egress", {"istio": "egressgateway"}, namespace="istio-system")
    away = "{destination: {host: egress.istio-system.svc.cluster.local}"
    changes = "headers: {request: {set: {x-out: '2'}, add: {x-more: 'y'}}}"
    for shares, seen in (
        (f"[{away}, {changes}}}]", "2"),
        (f"[{away}, weight: 1, {changes}}}, {{destination: {{host: courier.example}}, weight: 1}}]", "1"),
    ):
        text = EGRESS.replace(f"[{away}}}]", shares)
        hops = walk(registry(text, [gateway]), PAGE, Request("courier.example", path="/v1")).hops
        assert hops[1].request.headers == {"x-out": seen, "x-more": "y"}


def test_a_circle_of_gateways_ends() -> None:
    """A gateway that routes to itself is an error, not a hang."""
    text = EGRESS.replace(
        "route: [{destination: {host: courier.example}}]",
        "route: [{destination: {host: egress.istio-system.svc.cluster.local}}]",
    )
    gateway = pod("egress", {"istio": "egressgateway"}, namespace="istio-system")
    request = Request("courier.example", path="/v1")
    assert walk(registry(text, [gateway]), PAGE, request).last.error == "the request goes round in circles"


@settings(max_examples=100, deadline=None)
@given(random=st.randoms(use_true_random=False), count=st.integers(1, 8))
def test_the_walker_decides_as_the_translation_does(random: Random, count: int) -> None:
    """For generated rules and requests, rule and destinations are those of the route configuration."""
    found = registry([*parse(TWO_PORTS), rules(*http(random, count), gateways=["mesh", "public"])])
    caller = Caller("shop", frozenset({("app", "page")}))
    table = mesh_table("pharmacy.shop.svc.cluster.local", found, caller)
    assert table is not None
    for _ in range(8):
        asked = request(random, "pharmacy")
        (hop,) = walk(found, PAGE, asked).hops
        route = route_for(decoded(table), asked)
        if hop.status == 404:
            assert route.direct_response.status == 404
            continue
        assert (hop.name or "default") == route.name
        clusters = [(part.name, part.weight.value) for part in route.route.weighted_clusters.clusters]
        expected = [
            (f"outbound|{share.port}|{share.subset}|{share.host}", share.percent) for share in hop.shares
        ]
        total = sum(weight for _, weight in clusters)
        served = [(name, 100 * weight / total) for name, weight in clusters] or [(route.route.cluster, 100.0)]
        assert served == expected


def test_bytes_are_not_walked() -> None:
    """A port of TCP has no routes, so an HTTP proxy has none to it either."""
    text = SHOP.replace("name: http, port: 80", "name: tcp-db, port: 80")
    found = only_hop(text, PAGE, Request("pharmacy"))
    why = "port 80 of pharmacy.shop.svc.cluster.local is tcp: its bytes are not read"
    assert (found.status, found.error) == (502, why)
