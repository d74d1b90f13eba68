"""Which limits of pods are said and not enforced, in words. Pure. Must not know how anything is enforced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from laneway.control.status import Finding
from laneway.local.pod.pods import Pod
from laneway.manifests import names
from laneway.spec.meta import Key
from laneway.spec.values import format_quantity

CODE = "LimitsNotEnforced"


def not_enforced(pods: Iterable[Pod]) -> Iterator[Finding]:
    """One finding for each app, or Deployment outside any, whose pods run as processes and have limits."""
    limited: dict[Key, Mapping[str, Decimal]] = {
        _owner(pod): pod.container.resources.limits for pod in pods if pod.container.resources.limits
    }
    for owner, limits in sorted(limited.items()):
        said = ", ".join(f"{name} {format_quantity(amount)}" for name, amount in sorted(limits.items()))
        yield Finding(
            code=CODE,
            severity="info",
            namespace=owner.namespace,
            name=owner.name,
            text=f"{owner.name}: limits are not enforced on processes of this machine ({said}): "
            "a container engine does, with: laneway up --runtime docker",
        )


def _owner(pod: Pod) -> Key:
    """What people call it."""
    name = pod.labels.get(names.APP) or pod.labels.get(names.LANE_APP) or pod.deployment
    return Key(pod.key.namespace, name)
