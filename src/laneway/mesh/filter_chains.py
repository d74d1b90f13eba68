"""Listeners put together from filter chains: which connections a chain is for, and what reads them.

Owns Envoy's listener message. Must not know routes, hosts, nor what any one listener is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from laneway.mesh.protos import any_of, enum, message
from laneway.mesh.resources import Resource, resource
from laneway.mesh.world import Pipe

Address = tuple[str, int] | Pipe


@dataclass(frozen=True, slots=True)
class Chain:
    """What is done with the connections that fit.

    filter_name, config: the network filter that ends the chain; needs: the clusters that it names; asks: its
    routes are sent apart from it; server_names: SNI of the connections, none for any; subnets: their
    destinations as CIDR, none for any; port: their destination's, 0 for any; tls: the transport socket that
    ends TLS here, None for plain bytes.
    """

    filter_name: str
    config: Any
    needs: frozenset[str] = frozenset()
    server_names: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    port: int = 0
    asks: bool = False
    tls: Any = None


def listener(
    name: str,
    address: Address,
    chains: Sequence[Chain],
    otherwise: Chain | None = None,
    direction: str = "OUTBOUND",
    **fields: Any,
) -> Resource:
    """A listener that tries the chains by how narrow they are. otherwise: for connections that fit none."""
    value = message("envoy.config.listener.v3.Listener")(name=name, **fields)
    value.traffic_direction = enum("envoy.config.core.v3.TrafficDirection", direction)
    if isinstance(address, Pipe):
        value.address.pipe.path = address.path
    else:
        value.address.socket_address.address, value.address.socket_address.port_value = address
    for chain in chains:
        _fill(value.filter_chains.add(), chain)
    if otherwise is not None:
        _fill(value.default_filter_chain, otherwise)
    if any(chain.server_names or chain.tls for chain in chains):
        inspector = message("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector")()
        value.listener_filters.add(
            name="envoy.filters.listener.tls_inspector", typed_config=any_of(inspector)
        )
    every = (*chains, otherwise) if otherwise else chains
    needs = (cluster for chain in every for cluster in chain.needs)
    return resource(name, value, needs, asks=any(chain.asks for chain in every))


def redirected(name: str, address: Address, chains: Sequence[Chain], otherwise: Chain) -> Resource:
    """A listener to which a network redirects connections.

    It hands each to the listener of its original destination; those without one it keeps.
    """
    return listener(name, address, chains, otherwise, use_original_dst={"value": True}, **_original())


def kept(name: str, address: Address, chain: Chain) -> Resource:
    """A listener to which a network redirects connections, and which keeps all, wherever they were going."""
    return listener(name, address, [chain], **_original())


def _original() -> dict[str, Any]:
    original = message("envoy.extensions.filters.listener.original_dst.v3.OriginalDst")()
    filters = [{"name": "envoy.filters.listener.original_dst", "typed_config": any_of(original)}]
    return {"listener_filters": filters}


def _fill(value: Any, chain: Chain) -> None:
    match = value.filter_chain_match
    match.server_names.extend(chain.server_names)
    for subnet in chain.subnets:
        prefix, _, length = subnet.partition("/")
        match.prefix_ranges.add(
            address_prefix=prefix, prefix_len={"value": int(length or (128 if ":" in prefix else 32))}
        )
    if chain.port:
        match.destination_port.value = chain.port
    if chain.tls is not None:
        value.transport_socket.CopyFrom(chain.tls)
    value.filters.add(name=chain.filter_name, typed_config=any_of(chain.config))
