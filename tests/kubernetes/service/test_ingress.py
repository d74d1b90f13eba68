"""Where a cluster's ingress is reached."""

from __future__ import annotations

from typing import Any

from laneway.kubernetes.service.ingress import urls

GATEWAY = {"spec": {"selector": {"istio": "ingressgateway"}}}


def service(selector: dict[str, str], *at: dict[str, str]) -> dict[str, Any]:
    """A Service with the ports of Istio's ingress."""
    ports = [
        {"name": n, "port": p}
        for n, p in (("status-port", 15021), ("http2", 80), ("https", 443), ("tls", 8443))
    ]
    return {"spec": {"selector": selector, "ports": ports}, "status": {"loadBalancer": {"ingress": list(at)}}}


def test_each_port_of_the_ingress_is_told_as_it_is_reached() -> None:
    """By the addresses that its load balancer has."""
    ingress = service({"app": "istio-ingressgateway", "istio": "ingressgateway"}, {"ip": "192.0.2.7"})
    assert urls([ingress], [GATEWAY]) == ("http://192.0.2.7", "https://192.0.2.7", "http://192.0.2.7:8443")


def test_a_name_counts_before_an_address_and_ipv6_has_brackets() -> None:
    """As URLs have it."""
    ingress = service(
        {"istio": "ingressgateway"}, {"hostname": "lb.example", "ip": "192.0.2.7"}, {"ip": "2001:db8::7"}
    )
    found = urls([ingress], [GATEWAY])
    assert "http://lb.example" in found
    assert "https://[2001:db8::7]" in found


def test_other_services_are_not_the_ingress() -> None:
    """Nor one without an address."""
    assert not urls(
        [service({"app": "istiod"}, {"ip": "192.0.2.7"}), service({"istio": "ingressgateway"})], [GATEWAY]
    )


def test_without_a_gateway_it_is_istio_s_own() -> None:
    """By its labels."""
    ingress = service({"istio": "ingressgateway"}, {"ip": "192.0.2.7"})
    assert urls([ingress], [])[0] == "http://192.0.2.7"
