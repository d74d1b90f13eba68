"""Each gate prevents one thing: it happens as soon as the gate is taken out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.plan.invariants import violations
from tests.plan.world import NAMESPACE, Pass, World

from laneway.plan import gates
from laneway.plan.gates import Gate
from laneway.plan.planner import ALL_GATES
from laneway.spec.meta import Key
from laneway.spec.release import Verb

Story = Callable[[World], None]


class Watched(World):
    """A world that remembers every violated invariant."""

    def __init__(self, gates: tuple[Gate, ...]) -> None:
        super().__init__(gates)
        self.violations: list[str] = []

    def reconcile(self, stop_after: int | None = None) -> Pass:
        made = super().reconcile(stop_after)
        self.violations += violations(self, made)
        return made


def canary(
    world: World, replicas: int, surge: str = "25%", weight: int = 20, hold: str = "1h", **policy: Any
) -> None:
    """A settled app, to which a new template has just been applied."""
    steps = [{"weight": weight, "hold": hold}, {"weight": 100}]
    world.app(
        replicas=replicas, release={"steps": steps} | policy, scale={"replicas": replicas, "surge": surge}
    )
    world.settle()
    world.template(image="2", replicas=replicas)


def until(world: World, reached: Callable[[], bool]) -> None:
    """Healthy passes until a condition holds."""
    world.settle(until=reached)


def new(world: World) -> str:
    """The revision that is released."""
    release = world.running()
    assert release is not None
    return release.spec.apps[0].revision


def old(world: World) -> str:
    """The stable revision of the release under way."""
    release = world.running()
    assert release is not None and release.status is not None
    return release.status.stable


def share(world: World) -> int:
    """The weight of the revision that is released."""
    return world.weights().get(new(world), 0) if world.running() else 0


def a_proxy_lags(world: World) -> None:
    """At 20 %, which one proxy has not confirmed, somebody asks for promotion."""
    canary(world, replicas=1)
    until(world, lambda: share(world) == 2_000)
    world.proxies[0].frozen = True
    world.ask(Verb.PROMOTE)


def pods_are_scarce(world: World) -> None:
    """A release of twenty pods is to take half of the traffic at once."""
    canary(world, replicas=20, weight=50)


def a_proxy_does_not_know_the_subset(world: World) -> None:
    """The new version's pods run, but one proxy has not heard of its subset."""
    canary(world, replicas=2)
    world.proxies[0].frozen = True


def new_pods_do_not_start(world: World) -> None:
    """The new version's subset is known, but just one of the two pods for 20 % is available."""
    canary(world, replicas=10)
    world.reconcile()
    world.sync()
    world.tick(6)
    world.starting_fails.add(new(world))
    world.kill(new(world), 1)


def every_new_pod_dies(world: World) -> None:
    """At 20 % the new version loses all its pods for good."""
    canary(world, replicas=4)
    until(world, lambda: share(world) == 2_000)
    world.starting_fails.add(new(world))
    world.kill(new(world))


def old_requests_are_open(world: World) -> None:
    """At 100 % the old version still answers requests."""
    canary(world, replicas=2, hold="0s", surge="100%")
    until(world, lambda: share(world) == 10_000)
    world.busy.add(old(world))


def wrong_with(without: Gate | None, story: Story) -> set[str]:
    """The invariants that are violated in a story and the passes after it."""
    world = Watched(tuple(gate for gate in ALL_GATES if gate is not without))
    story(world)
    for _ in range(20):
        world.reconcile()
        world.sync()
        world.tick()
    return {text.split(":")[0] for text in world.violations}


def check_that(gate: Gate, prevents: str, story: Story) -> None:
    """With all gates nothing is violated; without this one, just what it is for."""
    assert wrong_with(None, story) == set()
    assert prevents in wrong_with(gate, story)


def test_confirmation_gate_waits_for_proxies_that_lag() -> None:
    """Without it a version gets more weight while a proxy still serves the weights before the last."""
    check_that(gates.confirmation_gate, "a_forward_move_waits_for_every_proxy", a_proxy_lags)


def test_surge_gate_bounds_the_pods_of_a_release() -> None:
    """Without it the new version gets all its pods at once, beside all those of the old one."""
    check_that(gates.surge_gate, "a_forward_move_stays_within_the_surge", pods_are_scarce)


def test_subset_gate_waits_until_every_proxy_knows_the_subset() -> None:
    """Without it rules name a subset that a proxy does not have: its requests would get 503."""
    check_that(
        gates.subset_gate, "subsets_are_confirmed_before_they_are_named", a_proxy_does_not_know_the_subset
    )


def test_weight_gate_waits_for_available_pods() -> None:
    """Without it a version gets weight that its pods cannot carry."""
    check_that(gates.weight_gate, "no_weight_above_available_pods", new_pods_do_not_start)


def test_liveness_gate_takes_weight_from_a_dead_version() -> None:
    """Without it a share of the requests goes to a version without any pod."""
    check_that(gates.liveness_gate, "no_dead_version_keeps_weight", every_new_pod_dies)


def test_shrink_gate_keeps_pods_that_open_requests_need() -> None:
    """Without it the old version's pods go while they still answer."""
    check_that(gates.shrink_gate, "pods_stay_while_needed", old_requests_are_open)


def test_shrink_gate_keeps_pods_that_a_lagging_proxy_needs() -> None:
    """Without it the old version's pods go while a proxy still sends it requests."""

    def story(world: World) -> None:
        canary(world, replicas=2, hold="0s", surge="100%")
        until(world, lambda: share(world) == 10_000)
        world.proxies[0].frozen = True

    check_that(gates.shrink_gate, "pods_stay_while_needed", story)


def test_reach_gate_waits_until_the_candidate_can_answer() -> None:
    """Without it testers and browsers are led to a version without a pod."""

    def story(world: World) -> None:
        canary(world, replicas=4, preview={"header": "x-version"})

    check_that(gates.reach_gate, "only_what_can_answer_is_asked_for", story)


def test_reach_gate_waits_until_every_proxy_knows_the_candidate() -> None:
    """Without it testers are led to a subset that their proxy does not have, though its pods are there."""

    def story(world: World) -> None:
        canary(world, replicas=4, preview={"header": "x-version"})
        world.proxies[0].frozen = True
        for _ in range(8):
            world.reconcile()
            world.tick()

    check_that(gates.reach_gate, "only_what_can_answer_is_asked_for", story)


def test_reach_gate_leaves_a_preview_that_proxies_have_across_a_restart() -> None:
    """Rules that name the version already were written when every proxy knew it."""
    world = World()
    canary(world, replicas=4, weight=0, preview={"header": "x-version"})
    until(world, lambda: "preview-candidate" in rule_names(world))
    world.sync()
    world.restart()
    world.reconcile()
    assert "preview-candidate" in rule_names(world)


def rule_names(world: World) -> set[str]:
    """The names of an app's rules, without the user's own part."""
    rules = world.store["VirtualService", Key(NAMESPACE, "pharmacy")]["spec"]["http"]
    return {rule["name"].removesuffix("-default").removesuffix(".default") for rule in rules}


def test_together_gate_waits_for_every_app_of_a_release() -> None:
    """Without it one app draws its new version while the other's cannot be reached."""

    def story(world: World) -> None:
        for name in ("page", "pharmacy"):
            world.app(name, replicas=2)
        world.settle()
        world.together("both", page="2", pharmacy="2")
        world.reconcile()
        world.starting_fails.add(world.releases("pharmacy")[0].spec.apps[1].revision)

    check_that(gates.together_gate, "versions_of_one_release_are_never_mixed", story)


@pytest.mark.parametrize("gate", ALL_GATES, ids=lambda gate: gate.__name__)
def test_each_gate_has_a_test_of_its_name(gate: Gate) -> None:
    """A gate that nobody shows the use of is not one."""
    assert any(name.startswith(f"test_{gate.__name__}") for name in globals())
