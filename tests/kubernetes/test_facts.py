"""What is known beside the objects."""

from __future__ import annotations

from tests.kubernetes.stored import SHOP, pod

from laneway.kubernetes.confirm.wanted import Pod
from laneway.kubernetes.facts import proxies
from laneway.kubernetes.index import Index


def test_a_gateway_has_to_confirm_as_a_gateway() -> None:
    """It is told of rules that sidecars are not, and of none of theirs."""
    known = Index()
    known.take_pod(None, pod("page-1", "page"))
    known.take_pod(None, pod("door-1", "", gateway=True))
    assert set(proxies(known)) == {Pod(SHOP, "page-1"), Pod(SHOP, "door-1", gateway=True)}


def test_who_is_not_ready_or_ends_has_nothing_to_confirm() -> None:
    known = Index()
    known.take_pod(None, pod("page-1", "page", ready=False))
    known.take_pod(None, pod("page-2", "page", deleting=True))
    assert not list(proxies(known))
