"""What autoscalers add to a plan: at rest they decide, in a release they may ask for more."""

from __future__ import annotations

from typing import Any

from tests.plan.world import Pass, World

from laneway.spec.meta import Key

REQUESTS = {
    "type": "Pods",
    "pods": {
        "metric": {"name": "requests_per_second"},
        "target": {"type": "AverageValue", "averageValue": "50"},
    },
}
SCALE = {"min": 4, "max": 20, "metrics": [REQUESTS]}
HOUR = {"hold": "1h", "limit": "2h"}
STEPS = [{"weight": 20, **HOUR}, {"weight": 75, **HOUR}, {"weight": 100}]


def steady(world: World) -> Pass:
    """Passes until nothing changes but by the clock."""
    for _ in range(100):
        made = world.reconcile()
        if not made.changes and world.in_sync and all(pod.ready and not pod.leaves for pod in world.pods):
            return made
        world.sync()
        world.tick()
    raise AssertionError(f"not steady: {made.report}")


def settled(**scale: Any) -> World:
    """An autoscaled app at rest."""
    world = World()
    world.app(scale=SCALE | scale, release={"steps": STEPS})
    steady(world)
    return world


def asks(world: World, revision: str, replicas: int) -> None:
    """The autoscaler of a version writes what it wants, as the engine's does."""
    key = Key("shop", f"pharmacy-{revision}")
    deployment = world.store["Deployment", key]
    world.put(deployment | {"spec": deployment["spec"] | {"replicas": replicas}})
    scaler = world.store["HorizontalPodAutoscaler", key]
    scaler["metadata"]["generation"] = 1
    scaler["status"] = {"observedGeneration": 1, "desiredReplicas": replicas}


def stable_of(world: World) -> str:
    """The revision of the first template."""
    return next(r for r in world.weights() if world.role("pharmacy", r) == "stable")


def sizes(made: Pass) -> dict[str, tuple[int, tuple[int, int] | None]]:
    """Pods and bounds of each version with pods, by role."""
    return {v.role.value: (v.replicas, v.bounds) for v in made.plan.apps[0].versions if v.replicas}


def base(world: World) -> int:
    """The base of the release under way."""
    release = world.running()
    assert release is not None and release.status is not None
    return release.status.base


def to_canary(world: World) -> Pass:
    """Release another template up to its first step."""
    world.template(image="2")
    return steady(world)


def test_at_rest_the_autoscaler_decides_and_a_release_begins_with_what_there_is() -> None:
    """The planner only sets the bounds."""
    world = settled()
    asks(world, stable_of(world), 10)
    assert sizes(steady(world)) == {"stable": (10, (4, 20))}
    made = to_canary(world)
    assert base(world) == 10
    assert sizes(made) == {"stable": (8, (8, 16)), "candidate": (2, (2, 4))}


def test_the_giver_shrinks_although_its_autoscaler_once_asked_for_more() -> None:
    """What it wrote under other bounds is no wish: it would feed on the release's own shift."""
    world = settled()
    asks(world, stable_of(world), 10)
    to_canary(world)
    key = Key("shop", f"pharmacy-{stable_of(world)}")
    scaler = world.store["HorizontalPodAutoscaler", key]
    scaler["metadata"]["generation"] = 2
    scaler["status"] = {"observedGeneration": 1, "desiredReplicas": 10}
    assert sizes(steady(world))["stable"] == (8, (8, 16))
    assert base(world) == 10


def test_a_wish_of_the_version_with_most_weight_raises_the_whole_release() -> None:
    """Both grow, in proportion; the record keeps it, so that it does not fall back in the next pass."""
    world = settled()
    to_canary(world)
    assert base(world) == 4
    asks(world, stable_of(world), 8)
    made = steady(world)
    assert base(world) == 10
    assert sizes(made) == {"stable": (8, (8, 16)), "candidate": (2, (2, 4))}
    world.restart()
    assert sizes(steady(world))["stable"] == (8, (8, 16))


def test_a_wish_of_the_other_version_is_its_own() -> None:
    """A share of a fifth is a coarse measure of the whole."""
    world = settled()
    to_canary(world)
    candidate = next(r for r in world.weights() if r != stable_of(world))
    asks(world, candidate, 3)
    made = steady(world)
    assert base(world) == 4
    assert sizes(made) == {"stable": (4, (4, 16)), "candidate": (3, (1, 4))}


def test_the_base_never_passes_the_app_s_maximum() -> None:
    """16 pods for 80 % would be 20 for all of it."""
    world = settled(max=12)
    to_canary(world)
    asks(world, stable_of(world), 10)
    steady(world)
    assert base(world) == 12


def test_a_version_without_weight_has_no_autoscaler() -> None:
    """It would be measured against nothing, and taken down to its minimum before it is needed."""
    world = World()
    world.app(scale=SCALE, release={"steps": [{"weight": 0, **HOUR}, {"weight": 100}]})
    steady(world)
    made = to_canary(world)
    assert sizes(made)["candidate"][1] is None
    assert [key.name for kind, key in world.store if kind == "HorizontalPodAutoscaler"] == [
        f"pharmacy-{stable_of(world)}"
    ]
