"""Of a Service or a ServiceEntry."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from laneway.mesh.names import is_wildcard
from laneway.mesh.refusals.common import Finding, unique
from laneway.spec.istio import ServiceEntry, ServiceEntrySpec
from laneway.spec.kubernetes import Service
from laneway.spec.protocols import NOT_SERVED, prefix


def service(value: Service) -> Iterator[Finding]:
    """All that is wrong with a Service."""
    if not value.spec.selector:
        yield "selector", "without a selector no pod is behind it; use a ServiceEntry with endpoints"
    numbers = [port.port for port in value.spec.ports]
    for index, port in enumerate(value.spec.ports):
        if port.port in numbers[:index]:
            yield f"ports[{index}].port", f"port {port.port} is there twice; remove one"
        if port.app_protocol is None and prefix(port.name or "") in NOT_SERVED:
            yield (
                f"ports[{index}].name",
                f"{port.name} declares a protocol that is not served; rename or remove it",
            )


def service_entry(value: ServiceEntry) -> Iterator[Finding]:
    """All that is wrong with a ServiceEntry."""
    spec = value.spec
    for index, host in enumerate(spec.hosts):
        if is_wildcard(host):
            yield f"hosts[{index}]", "name each host, or let all pass: ALLOW_ANY of the Mesh or of a Sidecar"
        elif "." not in host:
            yield f"hosts[{index}]", "a host without a dot means a Service; write the full name"
    for index, port in enumerate(spec.ports):
        if port.protocol == "GRPC-WEB":
            yield (
                f"ports[{index}].protocol",
                "it is translated by the sidecar of an app, which this host has not; write GRPC",
            )
    yield from unique("ports", "number", [str(port.number) for port in spec.ports])
    yield from unique("ports", "name", [port.name for port in spec.ports])
    if spec.workload_selector and spec.endpoints:
        yield "workloadSelector", "give a workloadSelector or endpoints, not both"
    yield from _resolution(spec)
    names = {port.name for port in spec.ports}
    for index, endpoint in enumerate(spec.endpoints):
        if spec.resolution == "STATIC" and not _is_address(endpoint.address):
            yield f"endpoints[{index}].address", "STATIC resolution takes IP addresses; for names write `DNS`"
        for name in endpoint.ports.keys() - names:
            yield f"endpoints[{index}].ports.{name}", "no port of the ServiceEntry has this name"


def _resolution(spec: ServiceEntrySpec) -> Iterator[Finding]:
    """Where its endpoints come from, and its addresses."""
    for index, address in enumerate(spec.addresses):
        if "/" in address:
            yield f"addresses[{index}]", "blocks of addresses are not implemented; write single ones"
    if spec.resolution == "DNS_ROUND_ROBIN" and len(spec.endpoints) > 1:
        yield "endpoints", "with DNS_ROUND_ROBIN give one at most; for several names write `DNS`"
    if spec.resolution != "STATIC" and spec.workload_selector:
        yield "workloadSelector", "with a workloadSelector write `resolution: STATIC`"
    if spec.resolution == "STATIC" and not (spec.endpoints or spec.workload_selector):
        yield "endpoints", "with STATIC resolution give endpoints or a workloadSelector"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
