"""The pods of a cluster, by version."""

from __future__ import annotations

from tests.kubernetes.stored import SHOP, pod

from laneway.kubernetes.pod_index import PodIndex
from laneway.manifests.names import Version
from laneway.spec.meta import Key

PAGE = Key(SHOP, "page")


def test_pods_are_counted_by_version_and_only_what_changes_a_plan_is_told() -> None:
    known, version = PodIndex(), Version(SHOP, "app", "page", "r")
    starting, ready = pod("a", "page", ready=False, ip=""), pod("a", "page")
    assert known.take(None, starting) == frozenset(), "it counts since it was asked for"
    assert known.take(starting, pod("a", "page", ready=False)) == frozenset(), "only its address"
    assert known.take(starting, ready) == {PAGE}
    assert list(known.of(version)) == [ready.key]
    assert known.take(ready, None) == {PAGE}
    assert not known.of(version)


def test_a_proxy_gets_requests_once_its_pod_is_ready_and_until_it_ends() -> None:
    known, ready = PodIndex(), pod("a", "page")
    known.take(None, ready)
    assert known.meshed == {ready.key: False}
    known.take(ready, pod("a", "page", deleting=True))
    assert not known.meshed


def test_a_pod_has_others_beside_it_while_one_of_its_version_takes_requests() -> None:
    known, last = PodIndex(), pod("a", "page", deleting=True)
    known.take(None, last)
    known.take(None, pod("b", "page", ready=False))
    known.take(None, pod("c", "page", revision="other"))
    assert not known.has_others(last)
    known.take(None, pod("d", "page"))
    assert known.has_others(last)


def test_pods_of_all_revisions_that_take_requests_are_the_apps() -> None:
    known = PodIndex()
    for each in (pod("a", "page"), pod("b", "page", revision="other"), pod("c", "page", ready=False)):
        known.take(None, each)
    assert (known.ready(PAGE), known.ready(Key(SHOP, "pharmacy"))) == (2, 0)
