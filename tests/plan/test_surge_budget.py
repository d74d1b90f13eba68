"""The mesh's surge bounds what all releases together add."""

from __future__ import annotations

from tests.plan.world import World

from laneway.plan.observed import AppSeen, VersionSeen
from laneway.plan.surge_budget import beside
from laneway.spec.release import Phase

APPS = ("pharmacy", "labs", "page")


def released(surge: int | None) -> World:
    """Three settled apps of four pods, each of which may add two, to which new templates were applied."""
    world = World()
    spec = {"lane": {"header": "x-lane"}} | ({"surge": surge} if surge else {})
    world.put(
        {"apiVersion": "laneway.dev/v1alpha1", "kind": "Mesh", "metadata": {"name": "default"}, "spec": spec}
    )
    steps = [{"weight": 50, "hold": "1s"}, {"weight": 100}]
    for app in APPS:
        world.app(app, replicas=4, release={"steps": steps}, scale={"replicas": 4, "surge": "50%"})
    world.settle()
    for app in APPS:
        world.template(app, image="2")
    return world


def most_pods(world: World) -> int:
    """The most pods at any moment until nothing moves any more."""
    most = 0
    for _ in range(400):
        world.reconcile()
        world.sync()
        world.tick()
        most = max(most, len(world.pods))
    return most


def test_releases_together_add_no_more_pods_than_the_mesh_allows() -> None:
    world = released(surge=2)
    assert most_pods(world) <= 12 + 2
    promoted = [release.status.phase for app in APPS for release in world.releases(app) if release.status]
    assert promoted == [Phase.PROMOTED] * len(APPS)


def test_without_a_bound_each_release_adds_its_own() -> None:
    assert most_pods(released(surge=None)) > 12 + 2


def test_a_release_that_waits_for_others_says_so() -> None:
    world = released(surge=2)
    codes = set()
    for _ in range(20):
        codes |= world.reconcile().codes
        world.sync()
        world.tick()
    assert "SurgeUsedUp" in codes


def test_draining_pods_count() -> None:
    seen = AppSeen(versions={"a": VersionSeen(desired=1, pods=4), "b": VersionSeen(desired=3, pods=2)})
    assert beside(seen, 4) == 3
