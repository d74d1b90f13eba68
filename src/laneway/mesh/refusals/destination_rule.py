"""Of a DestinationRule."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.mesh.refusals.common import HOST_PATTERN, Finding, unique
from laneway.spec.istio import DestinationRule, TrafficPolicy
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
    yield from _policy("trafficPolicy", value.spec.traffic_policy)
    for index, subset in enumerate(value.spec.subsets):
        yield from _policy(f"subsets[{index}].trafficPolicy", subset.traffic_policy)


def _policy(field: str, policy: TrafficPolicy | None) -> Iterator[Finding]:
    for fault in policy_faults(policy) if policy else ():
        below = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.path)
        yield f"{field}{below}", f"{fault.text}; {fault.remedy}"
