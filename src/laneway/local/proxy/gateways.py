"""The two gateways of a state: what they serve, where they listen, and who they are to the mesh. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laneway.mesh.gateways import servers_of
from laneway.mesh.selection import selects
from laneway.mesh.world import GatewayProxy, Pipe, Pod
from laneway.spec.istio import (
    ConnectionPool,
    DestinationRule,
    DestinationRuleSpec,
    Gateway,
    HTTPSettings,
    TrafficPolicy,
)
from laneway.spec.kubernetes import Service, ServicePort, ServiceSpec
from laneway.spec.meta import Key, ObjectMeta

NAMESPACE = "istio-system"
INGRESS = Key(NAMESPACE, "istio-ingressgateway")
EGRESS = Key(NAMESPACE, "istio-egressgateway")
INGRESS_LABELS: Mapping[str, str] = {"istio": "ingressgateway", "app": "istio-ingressgateway"}
EGRESS_LABELS: Mapping[str, str] = {"istio": "egressgateway", "app": "istio-egressgateway"}


_SCHEMES = {"http2": "http", "grpc": "http", "grpc-web": "http"}


@dataclass(frozen=True, slots=True)
class Places:
    """Where gateways listen. ingress_port: on 127.0.0.1; the addresses: for every other port.

    egress_sockets: what the egress gateway's sockets are called up to their port, where pods with a network
    of their own dial it; empty: it has the address.
    """

    ingress_port: int
    ingress_address: str
    egress_address: str
    egress_sockets: str = ""


def served_ports(gateways: Iterable[Gateway], labels: Mapping[str, str]) -> list[int]:
    """The server ports of the Gateways that select a proxy with these labels, ascending."""
    return sorted({server.port for server in servers_of(gateways, labels)})


def ingress_proxy(ports: Iterable[int], places: Places, local: Mapping[int, int]) -> GatewayProxy:
    """The ingress gateway: its lowest port is the URL's, others have an address of the state's own."""
    bound: dict[int, tuple[str, int] | Pipe] = {port: (places.ingress_address, local[port]) for port in ports}
    if bound:
        bound[min(bound)] = ("127.0.0.1", places.ingress_port)
    return GatewayProxy(str(INGRESS), NAMESPACE, INGRESS_LABELS, bound)


def urls(gateways: Iterable[Gateway], proxy: GatewayProxy) -> list[str]:
    """Where to reach each server port of a gateway on this machine, by port: https://127.64.0.1:10443."""
    schemes: dict[int, str] = {}
    for gateway in gateways:
        if selects(gateway.spec.selector, proxy.labels):
            for server in gateway.spec.servers:
                schemes.setdefault(server.port.number, server.port.protocol.lower())
    return [
        f"{_SCHEMES.get(schemes[port], schemes[port])}://{bound[0]}:{bound[1]}"
        for port, bound in sorted(proxy.ports.items(), key=lambda item: item[0])
        if not isinstance(bound, Pipe)
    ]


def egress_proxy(ports: Iterable[int], places: Places, local: Mapping[int, int]) -> GatewayProxy:
    """The egress gateway, on an address of the state's own, or at sockets."""
    bound = {port: _egress_place(port, places, local) for port in ports}
    return GatewayProxy(str(EGRESS), NAMESPACE, EGRESS_LABELS, bound)


def _egress_place(port: int, places: Places, local: Mapping[int, int]) -> tuple[str, int] | Pipe:
    if places.egress_sockets:
        return Pipe(f"{places.egress_sockets}.{port}.sock")
    return places.egress_address, local[port]


def egress_pod(proxy: GatewayProxy, ready: bool) -> Pod:
    """The egress gateway as sidecars dial it."""
    pipes = {port: at for port, at in proxy.ports.items() if isinstance(at, Pipe)}
    bound = {port: at for port, at in proxy.ports.items() if not isinstance(at, Pipe)}
    address = next((address for address, _ in bound.values()), "")
    ports = {port: at[1] for port, at in bound.items()}
    return Pod(NAMESPACE, EGRESS.name, EGRESS_LABELS, address, ports, ready=ready, pipes=pipes)


def egress_policy() -> DestinationRule:
    """Calls to the egress gateway go on as they came: gRPC by HTTP/2, WebSocket by HTTP/1.1."""
    http = HTTPSettings(use_client_protocol=True)
    policy = TrafficPolicy(connection_pool=ConnectionPool(http=http))
    spec = DestinationRuleSpec(host=EGRESS.name, traffic_policy=policy)
    return DestinationRule(metadata=ObjectMeta(name=EGRESS.name, namespace=NAMESPACE), spec=spec)


def egress_service(ports: Iterable[int]) -> Service | None:
    """The Service that rules name to leave through the egress gateway; none where no Gateway selects it."""
    listed = [ServicePort(name=f"http-{port}", port=port) for port in ports]
    if not listed:
        return None
    meta = ObjectMeta(name=EGRESS.name, namespace=NAMESPACE)
    return Service(metadata=meta, spec=ServiceSpec(selector={"istio": "egressgateway"}, ports=listed))
