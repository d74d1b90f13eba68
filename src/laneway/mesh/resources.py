"""What the translation hands over: Envoy resources, serialised once, in layers that proxies share.

Owns the type URLs and the shape of a change. Must not know what is in a resource, nor how it is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from laneway.mesh.protos import any_of, serialise, type_url

if TYPE_CHECKING:
    from google.protobuf.message import Message

CDS = type_url("envoy.config.cluster.v3.Cluster")
EDS = type_url("envoy.config.endpoint.v3.ClusterLoadAssignment")
LDS = type_url("envoy.config.listener.v3.Listener")
SRDS = type_url("envoy.config.route.v3.ScopedRouteConfiguration")
RDS = type_url("envoy.config.route.v3.RouteConfiguration")

TYPES = (CDS, EDS, LDS, SRDS, RDS)
"""In the order in which additions are sent, so that nothing names what the proxy does not know yet."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource. version: hash of its content; body: a serialised google.protobuf.Any.

    needs: the clusters that a Listener or RouteConfiguration names; a proxy gets it once it has those,
    warm, and loses a cluster once nothing that it still holds needs it. asks: a Listener that makes a proxy
    ask for RouteConfigurations.
    """

    name: str
    version: str
    body: bytes
    needs: frozenset[str] = frozenset()
    asks: bool = False


def resource(name: str, value: Message, needs: Iterable[str] = (), asks: bool = False) -> Resource:
    """The message under this name, serialised. needs: the clusters that it names; asks: as in `Resource`."""
    body = serialise(any_of(value))
    return Resource(name, hashlib.blake2b(body, digest_size=8).hexdigest(), body, frozenset(needs), asks)


class Audience(StrEnum):
    """Who shares a layer."""

    ALL = "all"  # clusters and endpoints of every host
    SIDECARS = "sidecars"  # route configurations of mesh hosts, and the scopes of their full names
    NAMESPACE = "namespace"  # sidecars of one namespace: the scopes of bare service names
    TRANSPARENT = "transparent"  # sidecars that get all connections of their pods: listeners of hosts' ports
    VISIBLE = "visible"  # sidecars that see some hosts only, in place of the three above: what these need
    CALLERS = "callers"  # sidecars of one namespace with the same labels: routes that depend on the caller
    GATEWAY = "gateway"  # gateway proxies with the same labels and ports: their routes
    PROXY = "proxy"  # one proxy: its own listeners, with what they alone need


class Layer(NamedTuple):
    """Resources that the proxies of an audience have in common. A proxy has the union of its layers."""

    audience: Audience
    name: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """Names of one type in one layer: `changed` are new or have new content, `removed` are gone."""

    changed: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Changes:
    """What became different since the last time, by layer and type URL. Unchanged bytes never appear."""

    generation: int
    layers: Mapping[Layer, Mapping[str, Delta]]
