"""Of a DestinationRule."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.mesh.names import is_wildcard
from laneway.mesh.refusals.common import Finding, unique
from laneway.spec.istio import DestinationRule
from laneway.spec.naming import DOMAIN


def destination_rule(value: DestinationRule) -> Iterator[Finding]:
    """All that is wrong with a DestinationRule."""
    host, namespace = value.spec.host, value.metadata.namespace
    if is_wildcard(host):
        yield "host", "wildcard hosts are not implemented; name each host"
    if host.endswith(f".{DOMAIN}") and host.split(".")[1] != namespace:
        yield (
            "host",
            f"move the rule to the Service's namespace: rules for callers in {namespace} alone "
            + ("are not implemented"),
        )
    yield from unique("subsets", "name", [subset.name for subset in value.spec.subsets])
