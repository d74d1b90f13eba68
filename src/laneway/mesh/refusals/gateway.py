"""Of a Gateway."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.mesh.refusals.common import HOST_PATTERN, Finding
from laneway.spec.istio import Gateway


def gateway(value: Gateway) -> Iterator[Finding]:
    """All that is wrong with a Gateway."""
    if not value.spec.selector:
        yield "selector", "give the labels of the gateway that serves it, like {istio: ingressgateway}"
    for index, server in enumerate(value.spec.servers):
        if server.port.protocol not in {"HTTP", "HTTP2", "GRPC", "GRPC-WEB"}:
            yield f"servers[{index}].port.protocol", f"{server.port.protocol} is not implemented; write HTTP"
        if server.port.target_port is not None:
            yield f"servers[{index}].port.targetPort", "Istio ignores it; leave it out"
        for position, host in enumerate(server.hosts):
            if not HOST_PATTERN.fullmatch(host.rpartition("/")[2]):
                yield f"servers[{index}].hosts[{position}]", f"{host!r} is not a host, `*.suffix` or `*`"
