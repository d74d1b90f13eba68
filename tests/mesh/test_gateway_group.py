"""Tables of gateways are cut by host where the host says which rules are meant."""

from __future__ import annotations

from typing import Any

from tests.mesh.mesh_objects import decoded, ingress, parse, rules, translator

from laneway.mesh.resources import LDS, RDS, SRDS
from laneway.mesh.translator import Translator
from laneway.mesh.world import GatewayProxy

PUBLIC = """
kind: Gateway
metadata: {name: public}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http}, hosts: ["*"]}]
---
kind: VirtualService
metadata: {name: a}
spec: {hosts: [a.example], gateways: [public], http: [{route: [{destination: {host: a}}]}]}
"""
SECOND_PORT = PUBLIC.replace("servers: [", "servers: [{port: {number: 81, name: more}, hosts: ['*']}, ")


def served(found: Translator, url: str) -> list[str]:
    """Names of the ingress gateway's resources of a type."""
    found.take_changes()
    return sorted(found.resources_for("ingress")[url])


def bound(name: str, host: str) -> Any:
    """Rules for a host of the public gateway."""
    return rules({"route": [{"destination": {"host": "a"}}]}, name=name, hosts=[host], gateways=["public"])


def test_each_host_has_a_table_of_its_own() -> None:
    """Found by its name."""
    found = translator(PUBLIC, proxies=[ingress()])
    assert (served(found, SRDS), served(found, RDS)) == (["a.example"], ["http.80/a.example"])
    assert served(found, LDS) == ["127.0.0.1_8000"]


def test_a_changed_rule_sends_its_own_hosts_table_alone() -> None:
    """Whatever else the gateway serves."""
    found = translator(PUBLIC, proxies=[ingress()])
    found.upsert(bound("b", "b.example"))
    found.take_changes()
    found.upsert(
        rules({"directResponse": {"status": 200}}, name="b", hosts=["b.example"], gateways=["public"])
    )
    ((types),) = found.take_changes().layers.values()
    assert {url: delta.changed for url, delta in types.items()} == {RDS: {"http.80/b.example"}}


def test_a_wildcard_host_needs_one_table_for_the_port() -> None:
    """Those by host go, as no listener would ask for them; they come back with the last wildcard's end."""
    found = translator(PUBLIC, proxies=[ingress()])
    served(found, RDS)
    wildcard = bound("b", "*")
    found.upsert(wildcard)
    assert served(found, RDS) == ["http.80"]
    assert served(found, SRDS) == []
    table = decoded(found.resources_for("ingress")[RDS]["http.80"])
    assert [list(host.domains) for host in table.virtual_hosts] == [["*"], ["a.example"]]
    found.delete("VirtualService", wildcard.key)
    assert served(found, RDS) == ["http.80/a.example"]
    assert served(found, SRDS) == ["a.example"]


def test_two_ports_have_a_table_each() -> None:
    """As scopes cannot tell them apart."""
    found = translator(SECOND_PORT, proxies=[ingress(p80=8000, p81=8001)])
    assert served(found, RDS) == ["http.80", "http.81"]
    assert served(found, LDS) == ["127.0.0.1_8000", "127.0.0.1_8001"]


def test_ports_that_are_not_bound_are_not_served() -> None:
    """The proxy has no address for them."""
    found = translator(SECOND_PORT, proxies=[ingress()])
    assert served(found, LDS) == ["127.0.0.1_8000"]
    assert served(found, RDS) == ["http.80/a.example"]


def test_gateways_of_the_same_labels_share_their_tables() -> None:
    """Others do not see them."""
    egress = GatewayProxy("egress", "istio-system", {"istio": "egressgateway"}, {80: ("127.0.0.1", 9000)})
    found = translator(PUBLIC, proxies=[ingress(), ingress("second"), egress])
    found.take_changes()
    assert found.layers_of("ingress")[1:] == found.layers_of("second")[1:]
    assert not found.resources_for("egress")[RDS]


def test_a_gateway_without_rules_listens_and_knows_no_host() -> None:
    """So that it answers 404."""
    found = translator(PUBLIC.partition("---")[0], proxies=[ingress()])
    assert (served(found, LDS), served(found, RDS), served(found, SRDS)) == (["127.0.0.1_8000"], [], [])


def test_a_gateway_that_goes_takes_its_tables_along() -> None:
    """The proxy stops to listen."""
    found = translator(PUBLIC, proxies=[ingress()])
    found.take_changes()
    found.delete("Gateway", parse(PUBLIC)[0].key)
    assert (served(found, LDS), served(found, RDS), served(found, SRDS)) == ([], [], [])
