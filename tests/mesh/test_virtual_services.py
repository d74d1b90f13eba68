"""VirtualServices by the hosts that they govern and send to."""

from __future__ import annotations

from datetime import UTC, datetime

from laneway.mesh.virtual_services import VirtualServices
from laneway.spec.istio import VirtualService
from laneway.spec.meta import Key

WEB = "web.shop.svc.cluster.local"
NEXT = "next.shop.svc.cluster.local"


def rules(name: str, year: int, to: str = "web", **spec: object) -> VirtualService:
    """Rules of host web, made in a year, that send its requests to a host of the namespace."""
    return VirtualService.model_validate(
        {
            "metadata": {
                "name": name,
                "namespace": "shop",
                "creationTimestamp": datetime(year, 1, 1, tzinfo=UTC),
            },
            "spec": {"hosts": ["web"], "http": [{"route": [{"destination": {"host": to}}]}], **spec},
        }
    )


def test_the_oldest_governs_a_host_and_the_next_one_once_it_is_gone() -> None:
    """Whichever came first to us; the others are said to have no effect."""
    found = VirtualServices()
    young, old = rules("young", 2021), rules("old", 2020)
    found.put(young)
    found.put(old)
    assert found.of(WEB) == old
    assert [(each.key.name, each.host) for each in found.shadowed()] == [("young", WEB)]
    found.drop(old)
    assert found.of(WEB) == young
    assert list(found.shadowed()) == []
    found.drop(young)
    assert found.of(WEB) is None
    assert not found.hosts()


def test_rules_of_gateways_alone_govern_no_host_but_are_there() -> None:
    """What the sidecars do is as if they were not."""
    found = VirtualServices()
    bound = rules("public", 2020, gateways=["public"])
    found.put(bound)
    assert found.of(WEB) is None
    assert found.oldest_first() == [bound]
    assert found.get(Key("shop", "public")) == bound


def test_who_sends_to_a_host_is_known_until_it_is_gone() -> None:
    """A host's change changes their routes."""
    found = VirtualServices()
    one = rules("one", 2020, to="next")
    found.put(one)
    assert found.sending_to(NEXT) == [one]
    assert found.sending_to(WEB) == []
    found.drop(one)
    assert found.sending_to(NEXT) == []
