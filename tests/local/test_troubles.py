"""Lines of the report that are the engine's own."""

from __future__ import annotations

from tests.local.samples import pod

from laneway.control.status import Finding
from laneway.local.server import troubles
from laneway.mesh.refusals import Refusal
from laneway.mesh.shadowed import Shadowed
from laneway.spec.meta import Key

RULES = Key("shop", "web")


def said(found: Finding) -> tuple[str, str, str, str]:
    """Code, severity, subject and text."""
    return found["code"], found["severity"], f"{found['namespace']}/{found['name']}", found["text"]


def test_an_object_without_effect_is_named_with_its_host_and_why() -> None:
    """As a warning: everything else goes on."""
    (found,) = troubles.shadowed([Shadowed("VirtualService", RULES, "web.shop", "shop/old is older")])
    text = "VirtualService shop/web has no effect on web.shop: shop/old is older"
    assert said(found) == ("Shadowed", "warning", "shop/web", text)


def test_what_the_mesh_refuses_is_named_by_its_field() -> None:
    """As an error."""
    (found,) = troubles.refused([(RULES, Refusal("VirtualService", RULES, "spec.http[0]", "give a route"))])
    assert said(found) == (
        "Refused",
        "error",
        "shop/web",
        "VirtualService shop/web: spec.http[0]: give a route",
    )


def test_a_pod_that_works_is_no_trouble() -> None:
    """Neither is one whose Services all have addresses."""
    assert list(troubles.failing([pod()])) == []
