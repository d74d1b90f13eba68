"""The document of a request's way, walked through a real registry."""

from __future__ import annotations

from typing import Any

import pytest
from tests.mesh.mesh_objects import SHOP, pod, registry

from laneway.api.explain import explain
from laneway.control.status import Explanation
from laneway.local.proxy.gateways import INGRESS_LABELS
from laneway.mesh.walk import AtSidecar

INGRESS = """
---
kind: Gateway
metadata: {name: public}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example]}]
---
kind: VirtualService
metadata: {name: shop.example}
spec:
  hosts: [shop.example]
  gateways: [public]
  http:
  - {name: teapot, match: [{uri: {prefix: /tea}}], directResponse: {status: 418}}
  - {name: moved, match: [{uri: {prefix: /old}}], redirect: {uri: /new, redirectCode: 302}}
  - name: tried
    match: [{uri: {prefix: /try}}]
    fault: {delay: {fixedDelay: 1s, percentage: {value: 10}}}
    mirror: {host: pharmacy-green}
    mirrorPercentage: {value: 2.5}
    route: [{destination: {host: pharmacy, subset: a}}]
  - {name: pharmacy, route: [{destination: {host: pharmacy, subset: a}}]}
"""
EGRESS = """
---
kind: Service
metadata: {name: istio-egressgateway, namespace: istio-system}
spec: {selector: {istio: egressgateway}, ports: [{name: http-80, port: 80}]}
---
kind: ServiceEntry
metadata: {name: labs}
spec:
  hosts: [labs.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: DNS
---
kind: Gateway
metadata: {name: egress}
spec:
  selector: {istio: egressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [labs.example]}]
---
kind: VirtualService
metadata: {name: labs.example}
spec:
  hosts: [labs.example]
  gateways: [mesh, egress]
  http:
  - name: out
    match: [{gateways: [mesh]}]
    route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local}}]
  - {name: away, match: [{gateways: [egress]}], route: [{destination: {host: labs.example}}]}
"""
WORLD = registry(
    SHOP + INGRESS + EGRESS,
    [
        pod("a-1", {"app": "pharmacy", "version": "a"}),
        pod("a-2", {"app": "pharmacy", "version": "a"}),
        pod("green-1", {"lane": "green"}),
        pod("egress", {"istio": "egressgateway"}, namespace="istio-system", ports={80: 10080}),
    ],
)
PAGE = AtSidecar("shop", "sidecar of page")


def explained(*asked: Any, **named: Any) -> Explanation:
    """At the ingress that one machine has."""
    return explain(*asked, **({"ingress_labels": INGRESS_LABELS} | named))


def way(url: str, *headers: tuple[str, str], source: AtSidecar | None = None, **change: Any) -> Explanation:
    """The document of a GET."""
    return explained(WORLD, url, "GET", headers, source, **({"ingress_ports": [80]} | change))


def test_a_request_at_the_ingress_names_the_rule_the_version_and_its_pods() -> None:
    """With the rules that were passed over, and why."""
    assert way("http://shop.example/") == {
        "hops": [
            {
                "at": "ingress gateway",
                "source": "VirtualService shop/shop.example",
                "rules": [
                    {
                        "name": "#1 teapot",
                        "matched": False,
                        "why": "the path is '/', the rule wants the prefix '/tea'",
                    },
                    {
                        "name": "#2 moved",
                        "matched": False,
                        "why": "the path is '/', the rule wants the prefix '/old'",
                    },
                    {
                        "name": "#3 tried",
                        "matched": False,
                        "why": "the path is '/', the rule wants the prefix '/try'",
                    },
                    {"name": "#4 pharmacy", "matched": True, "why": "the rule has no condition"},
                ],
                "effects": [],
                "targets": [
                    {
                        "host": "pharmacy.shop.svc.cluster.local",
                        "subset": "a",
                        "weight": 100,
                        "ready": ["a-1", "a-2"],
                    }
                ],
            }
        ],
        "outcome": "100 % to pharmacy.shop.svc.cluster.local:80 subset a: 2 ready pods",
        "status": None,
    }


def test_a_lanes_header_leads_to_its_version() -> None:
    """From a sidecar, by the mesh's rules."""
    found = way("http://pharmacy/", ("X-Lane", "green"), source=PAGE)
    (hop,) = found["hops"]
    assert hop["at"] == "sidecar of page"
    assert [rule["matched"] for rule in hop["rules"]] == [True]
    assert found["outcome"] == "100 % to pharmacy-green.shop.svc.cluster.local:80: 1 ready pod"


def test_a_share_without_pods_is_a_503() -> None:
    """Each share is told, with its weight."""
    assert way("http://pharmacy/", source=PAGE)["outcome"] == (
        "80 % to pharmacy.shop.svc.cluster.local:80 subset a: 2 ready pods; "
        "20 % to pharmacy.shop.svc.cluster.local:80 subset b: 503, it has no pod"
    )


def test_a_request_that_leaves_the_mesh_passes_the_egress_gateway() -> None:
    """Two hops: out of the sidecar, away from the gateway."""
    found = way("http://labs.example/results", source=PAGE)
    assert [hop["at"] for hop in found["hops"]] == [
        "sidecar of page",
        "gateway istio-egressgateway.istio-system.svc.cluster.local",
    ]
    assert [hop["rules"][-1]["name"] for hop in found["hops"]] == ["#1 out", "#2 away"]
    assert found["outcome"].startswith("100 % to labs.example:80: 1 ready")


def test_a_redirect_says_where_the_client_is_sent() -> None:
    """As the client will read it."""
    found = way("http://shop.example/old?a=1")
    (hop,) = found["hops"]
    assert hop["effects"] == ["redirect: the client is sent to http://shop.example/new?a=1"]
    assert found["outcome"] == "ingress gateway answers 302 by itself: go to http://shop.example/new?a=1"
    assert found["status"] == 302


def test_faults_and_copies_are_told() -> None:
    """With their percentages, and whether anybody gets the copies."""
    (hop,) = way("http://shop.example/try")["hops"]
    assert hop["effects"] == [
        "fault: 10 % wait 1s",
        "mirror: copies of 2.5 % go to pharmacy-green.shop.svc.cluster.local:80, 1 ready pod",
    ]


def test_rules_for_certain_callers_know_the_pods_of_an_app() -> None:
    """Their labels."""
    rule = """
---
kind: VirtualService
metadata: {name: pharmacy}
spec:
  hosts: [pharmacy]
  http: [{name: own, match: [{sourceLabels: {lane: green}}], directResponse: {status: 200}}]
"""
    world = registry(
        SHOP.partition("\n---\nkind: VirtualService")[0].rstrip("-\n") + rule, [pod("g", {"lane": "green"})]
    )
    ours = explained(
        world, "http://pharmacy/", "GET", (), AtSidecar("shop", "green", {"lane": "green"}), [80]
    )
    assert ours["status"] == 200
    assert not explained(world, "http://pharmacy/", "GET", (), PAGE, [80])["status"]


def test_an_answer_of_the_proxy_itself_has_its_status() -> None:
    """Whether by a rule or for want of one."""
    teapot = way("http://shop.example/tea?leaves=2")
    assert (teapot["status"], teapot["outcome"]) == (418, "ingress gateway answers 418 by itself")
    unknown = way("http://nowhere.example/")
    assert unknown["status"] == 404
    assert unknown["outcome"].startswith("ingress gateway answers 404: ")


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:43895/", [("Host", "shop.example")]),
        ("http://shop.example:43895/", []),
        ("http://user@shop.example/", []),
        ("shop.example", []),
    ],
)
def test_the_ingresss_own_url_leads_to_its_lowest_port(url: str, headers: list[tuple[str, str]]) -> None:
    """The port of the URL is this machine's; a Host header says which host is meant, as with curl."""
    assert way(url, *headers)["outcome"].endswith("2 ready pods")


def test_a_port_of_the_ingress_is_that_port() -> None:
    """Where a Gateway has more than one."""
    other = way("http://shop.example:9000/", ingress_ports=[80, 9000])
    assert other["outcome"] == "ingress gateway answers 404: no Gateway has a server on port 9000 here"


def test_an_ingress_without_a_gateway_says_so() -> None:
    """Nothing listens there yet."""
    assert way("http://shop.example/", ingress_ports=[])["status"] is None
    bare = explained(registry(SHOP), "http://shop.example/", "GET", [], None, [])
    assert bare["outcome"] == "ingress gateway answers 404: no Gateway has a server on port 80 here"
