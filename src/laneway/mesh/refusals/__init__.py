"""What the models can express and the embedded mesh does not implement: refused by field, never ignored.

Also what Istio's own validation refuses. Must not know other objects than the one at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from laneway.mesh.refusals import destination_rule, gateway, services, sidecar, virtual_service
from laneway.spec.istio import DestinationRule, Gateway, ServiceEntry, Sidecar, VirtualService
from laneway.spec.kubernetes import Service
from laneway.spec.meta import Key


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an object is not taken. field: path inside it, like `spec.http[0].route`; text: what to do."""

    kind: str
    key: Key
    field: str
    text: str


def refusals_of(
    value: Service | ServiceEntry | VirtualService | DestinationRule | Gateway | Sidecar,
) -> tuple[Refusal, ...]:
    """All that is wrong with an object; nothing where it can be taken."""
    match value:
        case Service():
            found = services.service(value)
        case ServiceEntry():
            found = services.service_entry(value)
        case VirtualService():
            found = virtual_service.virtual_service(value)
        case DestinationRule():
            found = destination_rule.destination_rule(value)
        case Gateway():
            found = gateway.gateway(value)
        case Sidecar():
            found = sidecar.sidecar(value)
    return tuple(Refusal(value.kind, value.key, f"spec.{field}", text) for field, text in found)
