"""The two gateways: what they serve, and where."""

from __future__ import annotations

from collections.abc import Mapping

from laneway.local.proxy import gateways
from laneway.local.proxy.gateways import EGRESS_LABELS, INGRESS_LABELS, Places
from laneway.mesh.refusals import refusals_of
from laneway.spec.istio import Gateway

PLACES = Places(8080, "127.64.0.1", "127.64.0.2")
LOCAL = {80: 10080, 443: 10443, 9000: 9000}


def gateway(selector: Mapping[str, str], *ports: int) -> Gateway:
    """A Gateway that selects proxies by these labels."""
    servers = [
        {"port": {"number": p, "name": f"http-{p}", "protocol": "HTTP"}, "hosts": ["*"]} for p in ports
    ]
    return Gateway.model_validate(
        {
            "apiVersion": "networking.istio.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "public", "namespace": "shop"},
            "spec": {"selector": dict(selector), "servers": servers},
        }
    )


def test_the_ports_of_all_gateways_that_select_the_proxy_are_served() -> None:
    """Each once, in order; an empty selector selects every proxy."""
    found = [
        gateway({"istio": "ingressgateway"}, 9000, 80),
        gateway({"istio": "egressgateway"}, 443),
        gateway({}, 80),
        gateway({"istio": "ingressgateway", "tier": "internal"}, 7000),
    ]
    assert gateways.served_ports(found, INGRESS_LABELS) == [80, 9000]
    assert gateways.served_ports(found, EGRESS_LABELS) == [80, 443]


def test_the_lowest_port_of_the_ingress_is_the_one_of_its_url() -> None:
    """Every other one is bound on an address of the state's own, where it needs no root."""
    proxy = gateways.ingress_proxy([80, 443, 9000], PLACES, LOCAL)
    assert proxy.ports == {
        80: ("127.0.0.1", 8080),
        443: ("127.64.0.1", 10443),
        9000: ("127.64.0.1", 9000),
    }


def test_each_port_of_the_ingress_has_a_url() -> None:
    """By what is spoken there; that of the lowest port is first."""
    servers = [
        (443, "HTTPS", {"mode": "SIMPLE", "credentialName": "a"}),
        (80, "HTTP2", None),
        (9000, "TCP", None),
    ]
    body = [
        {"port": {"number": port, "name": str(port), "protocol": protocol}, "hosts": ["*"]}
        | ({"tls": tls} if tls else {})
        for port, protocol, tls in servers
    ]
    found = Gateway.model_validate(
        {"metadata": {"name": "a"}, "spec": {"selector": dict(INGRESS_LABELS), "servers": body}}
    )
    proxy = gateways.ingress_proxy([80, 443, 9000], PLACES, LOCAL)
    assert gateways.urls([found, gateway(EGRESS_LABELS, 80)], proxy) == [
        "http://127.0.0.1:8080",
        "https://127.64.0.1:10443",
        "tcp://127.64.0.1:9000",
    ]


def test_an_ingress_that_no_gateway_selects_listens_nowhere() -> None:
    """It is there all the same, for the Gateway to come."""
    proxy = gateways.ingress_proxy([], PLACES, {})
    assert proxy.ports == {}
    assert proxy.id == "istio-system/istio-ingressgateway"


def test_sidecars_dial_the_egress_gateway_as_a_service_with_one_pod() -> None:
    """Its Service names the port, its pod says where that is on this machine."""
    proxy = gateways.egress_proxy([80], PLACES, LOCAL)
    pod = gateways.egress_pod(proxy, ready=True)
    service = gateways.egress_service([80])
    assert service is not None and service.spec.selector is not None
    assert (pod.address, pod.ports) == ("127.64.0.2", {80: 10080})
    assert service.spec.selector.items() <= pod.labels.items()
    assert [port.port for port in service.spec.ports] == [80]


def test_without_a_gateway_for_it_there_is_no_egress_service() -> None:
    """A rule that names it is then an error, not a black hole."""
    assert gateways.egress_service([]) is None


def test_calls_leave_as_they_came() -> None:
    """gRPC stays HTTP/2 on its way to the gateway, and WebSocket HTTP/1.1."""
    rule = gateways.egress_policy()
    assert refusals_of(rule) == ()
    assert rule.written()["spec"] == {
        "host": "istio-egressgateway",
        "trafficPolicy": {"connectionPool": {"http": {"useClientProtocol": True}}},
    }
