"""Of a DestinationRule."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.mesh.refusals.common import HOST_PATTERN, Finding, field_of, unique
from laneway.spec.istio import DestinationRule
from laneway.spec.istio.policy_faults import policy_faults
from laneway.spec.naming import DOMAIN


def destination_rule(value: DestinationRule) -> Iterator[Finding]:
    """All that is wrong with a DestinationRule."""
    host, namespace = value.spec.host, value.metadata.namespace
    if not HOST_PATTERN.fullmatch(host):
        yield "host", f"{host!r} is not a host, `*.suffix` or `*`"
    if host.endswith(f".{DOMAIN}") and host.split(".")[1] != namespace:
        yield (
            "host",
            f"move the rule to the Service's namespace: rules for callers in {namespace} alone "
            + ("are not implemented"),
        )
    yield from unique("subsets", "name", [subset.name for subset in value.spec.subsets])
    for place, policy in value.spec.policies():
        for fault in policy_faults(policy):
            yield field_of((*place, *fault.path)), f"{fault.text}; {fault.remedy}"
