"""What one proxy has that no other has: its listeners, and what they alone need.

Must not know which objects there are, nor what is stale.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from laneway.mesh import transparent
from laneway.mesh.clusters import inbound_cluster
from laneway.mesh.gateway_group import GatewayGroup
from laneway.mesh.listeners import gateway_listener, inbound_listener, outbound_listener
from laneway.mesh.openings import Opening
from laneway.mesh.passthrough import (
    black_hole,
    gateway_passthrough,
    otherwise,
    passthrough_cluster,
    passthrough_scope,
    passthrough_table,
    transit_listener,
    way_out,
)
from laneway.mesh.resources import CDS, LDS, RDS, SRDS, Resource
from laneway.mesh.world import GatewayProxy, Sidecar
from laneway.spec.protocols import Protocol

Own = Mapping[str, Sequence[Resource]]
"""Resources by type URL. A proxy that is gone has none."""

OWN_TYPES = (CDS, LDS, SRDS, RDS)


def sidecar_resources(
    sidecar: Sidecar, protocols: Sequence[Protocol], allowed: bool, access_log: str | None
) -> Own:
    """Of a sidecar. protocols: of its inbound ports; allowed: what the mesh does not know may pass."""
    spoken = list(zip(sidecar.inbound, protocols, strict=True))
    listeners = [inbound_listener(*each, access_log) for each in spoken]
    clusters = [inbound_cluster(*each) for each in spoken]
    if sidecar.transparent:
        unknown = otherwise(sidecar.passthrough is not None, allowed, access_log)
        listeners.append(transparent.outbound_listener(sidecar, unknown, access_log))
        clusters.append(black_hole())
    else:
        listeners.append(outbound_listener(sidecar, access_log, way_out(False) if allowed else ()))
    if allowed or sidecar.transit:
        clusters.append(passthrough_cluster(sidecar))
    if sidecar.transit:
        listeners.append(transit_listener(sidecar.transit, access_log))
    if not allowed:
        return {CDS: clusters, LDS: listeners}
    return {
        CDS: clusters,
        LDS: listeners,
        SRDS: [passthrough_scope()],
        RDS: [passthrough_table()],
    }


def gateway_resources(proxy: GatewayProxy, group: GatewayGroup, access_log: str | None) -> Own:
    """Of a gateway proxy of this group."""
    by_port: dict[int, list[Opening]] = defaultdict(list)
    for opening in group.openings:
        by_port[opening.port].append(opening)
    listeners = [gateway_listener(proxy.ports[port], by_port[port], access_log) for port in sorted(by_port)]
    if proxy.passthrough is None:
        return {LDS: listeners}
    listener, cluster = gateway_passthrough(proxy.passthrough, access_log)
    return {LDS: [*listeners, listener], CDS: [cluster]}
