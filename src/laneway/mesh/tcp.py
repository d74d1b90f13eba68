"""Connections whose bytes a proxy passes on without reading them.

Must not know listeners, nor which hosts exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from laneway.mesh.access_log import access_loggers
from laneway.mesh.connections import ConnectionRule
from laneway.mesh.filter_chains import Chain
from laneway.mesh.protos import message

FILTER = "envoy.filters.network.tcp_proxy"


def tcp_chain(
    stat_prefix: str, clusters: Mapping[str, int], access_log: str | None, tunnel_to: str = "", **match: Any
) -> Chain:
    """Pass connections to these clusters, by weight; each connection stays where it went.

    tunnel_to: what to ask a cluster's endpoint to connect to, in Envoy's format; empty: nothing is asked.
    match: which connections, as fields of `Chain`.
    """
    value = message("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy")(stat_prefix=stat_prefix)
    if len(clusters) == 1:
        value.cluster = next(iter(clusters))
    else:
        for name, weight in clusters.items():
            value.weighted_clusters.clusters.add(name=name, weight=weight)
    if tunnel_to:
        value.tunneling_config.hostname = tunnel_to
    value.access_log.extend(access_loggers(access_log))
    return Chain(FILTER, value, frozenset(clusters), **match)


def rule_chain(rule: ConnectionRule, access_log: str | None) -> Chain:
    """Pass on the connections that fit a rule."""
    prefix = next(iter(dict(rule.clusters)), "none")
    chain = tcp_chain(prefix, dict(rule.clusters), access_log)
    return replace(chain, server_names=rule.server_names, subnets=rule.subnets)
