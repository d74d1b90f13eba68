"""What the planner does with worlds that have been tampered with, or were left in the middle of something."""

from __future__ import annotations

import pytest
from tests.plan.invariants import violations
from tests.plan.world import START, World

from laneway.plan.observed import Observed
from laneway.plan.planner import plan
from laneway.plan.result import Plan, Report
from laneway.spec.meta import Key
from laneway.spec.release import Phase, Verb
from laneway.spec.world import Spec

STEPS = [{"weight": 50, "hold": "1h"}, {"weight": 100}]


def canary() -> World:
    """A world in which a release holds 50 %."""
    world = World()
    world.app(release={"steps": STEPS})
    world.settle()
    world.template(image="2")
    world.settle(until=lambda: 5_000 in world.weights().values())
    world.sync()
    return world


def go(world: World, passes: int) -> None:
    """Healthy passes that keep every invariant."""
    for _ in range(passes):
        assert violations(world, world.reconcile()) == []
        world.sync()
        world.tick()


def last_phase(world: World) -> Phase:
    """Where the newest release stands."""
    found = world.releases()[-1].status
    assert found is not None
    return found.phase


def test_nothing_gives_nothing() -> None:
    """An empty world has an empty plan."""
    assert plan(Spec(), Observed(), START) == (Plan(), Report())


def test_the_first_version_serves_as_soon_as_one_pod_does() -> None:
    """There is nothing to go back to, so it does not wait for all its pods."""
    world = World()
    world.app(replicas=4)
    world.reconcile()
    world.sync()
    assert world.weights() == {}
    world.tick(6)
    world.kill("pharmacy", 3)
    world.reconcile()
    assert list(world.weights().values()) == [10_000]


def test_a_broken_first_version_is_replaced_without_a_canary() -> None:
    """Nothing has ever served: another template becomes stable at once."""
    world = World()
    world.app(image="broken")
    broken = world.reconcile().plan.apps[0].stable
    world.starting_fails.add(broken)
    world.tick(60)
    world.template(image="2")
    made = world.settle(until=lambda: bool(world.weights()))
    assert world.weights() == {made.plan.apps[0].stable: 10_000}
    assert made.plan.apps[0].stable != broken
    assert world.releases() == []


def test_a_settled_world_stays_settled() -> None:
    """A second plan changes nothing, at any later time."""
    world = canary()
    world.template(image="1")
    world.lane("green", "pharmacy")
    world.settle()
    world.tick(10**7)
    assert not world.reconcile().changes


@pytest.mark.parametrize("stop_after", range(12))
def test_a_promotion_that_is_killed_between_any_two_writes_stays_a_promotion(stop_after: int) -> None:
    """The record, the labels or both are written: nothing moves back, and both agree in the end."""
    world = World()
    world.app(release={"steps": [{"weight": 100, "hold": "10s"}]})
    stable = world.settle().plan.apps[0].stable
    world.template(image="2")
    world.settle(until=lambda: stable not in world.weights())
    released = next(iter(world.weights()))
    for _ in range(20):
        world.reconcile(stop_after)
        world.restart()
        world.sync()
        world.tick()
        assert world.weights() == {released: 10_000}
    go(world, 20)
    assert last_phase(world) is Phase.PROMOTED
    assert world.role("pharmacy", released) == "stable"
    assert len(world.releases()) == 1


def test_a_rollback_that_is_killed_after_its_record_still_refuses_the_revision() -> None:
    """The label was not written: the record says it."""
    world = canary()
    released = world.releases()[0]
    assert released.status is not None
    ended = {"phase": Phase.ROLLED_BACK, "finished_at": world.now}
    world.put(released.model_copy(update={"status": released.status.model_copy(update=ended)}).written())
    go(world, 30)
    assert list(world.weights()) == [released.status.stable]
    assert len(world.releases()) == 1
    assert world.role("pharmacy", released.spec.apps[0].revision) == "refused"


def test_a_deleted_record_begins_the_release_again() -> None:
    """Stable is known from its label: nothing is lost but the steps done."""
    world = canary()
    stable = world.reconcile().plan.apps[0].stable
    world.remove("Release", world.releases()[0].metadata.name)
    go(world, 3)
    running = world.running()
    assert running is not None and running.status is not None
    assert (running.status.stable, running.status.step) == (stable, 0)


def test_weight_that_no_release_explains_goes_back_to_stable_first() -> None:
    """The record is deleted and another template applied: never three versions with weight at once."""
    world = canary()
    unexplained = world.releases()[0].spec.apps[0].revision
    world.remove("Release", world.releases()[0].metadata.name)
    world.template(image="3")
    world.settle(until=lambda: unexplained not in world.weights())
    assert list(world.weights().values()) == [10_000]
    go(world, 40)
    assert sorted(world.weights().values()) == [5_000, 5_000]


def test_deleted_rules_are_written_again_with_everything_on_stable() -> None:
    """In mid-canary the VirtualService is deleted: stable first, then the canary goes on."""
    world = canary()
    stable = world.reconcile().plan.apps[0].stable
    world.remove("VirtualService", "pharmacy")
    world.reconcile()
    assert world.weights() == {stable: 10_000}
    go(world, 20)
    assert sorted(world.weights().values()) == [5_000, 5_000]


def test_a_deleted_stable_is_rebuilt() -> None:
    """Its template is kept: the Deployment comes back."""
    world = canary()
    stable = world.reconcile().plan.apps[0].stable
    world.remove("Deployment", f"pharmacy-{stable}")
    go(world, 1)
    assert world.replicas(f"pharmacy-{stable}") == 2


def test_a_lost_stable_label_is_read_from_the_rules() -> None:
    """Its kept template was deleted and written again without a label: what serves most is stable."""
    world = World()
    world.app()
    world.settle()
    stable = next(iter(world.weights()))
    body = world.store["ControllerRevision", Key("shop", f"pharmacy-{stable}")]
    labels = body["metadata"]["labels"] | {"laneway.dev/role": "retired"}
    world.put(body | {"metadata": body["metadata"] | {"labels": labels}})
    world.template(image="2")
    world.reconcile()
    running = world.running()
    assert running is not None and running.status is not None
    assert running.status.stable == stable


def test_a_lost_template_of_stable_is_kept_again() -> None:
    """The app's template has the same revision: everything goes on."""
    world = World()
    world.app()
    world.settle()
    stable = next(iter(world.weights()))
    world.remove("ControllerRevision", f"pharmacy-{stable}")
    go(world, 2)
    assert world.role("pharmacy", stable) == "stable"
    assert world.weights() == {stable: 10_000}


def test_a_share_of_a_lost_template_goes_to_stable() -> None:
    """Neither the template nor pods of the candidate are left: nothing can be rebuilt for it."""
    world = canary()
    stable = world.reconcile().plan.apps[0].stable
    candidate = world.releases()[0].spec.apps[0].revision
    world.remove("ControllerRevision", f"pharmacy-{candidate}")
    world.remove("Deployment", f"pharmacy-{candidate}")
    world.template(image="3")
    world.settle(until=lambda: candidate not in world.weights())
    assert list(world.weights()) == [stable]


def test_an_app_without_its_template_stays_as_it_is() -> None:
    """Its Deployment is deleted by mistake: nothing is taken down or aborted, and an error says so."""
    world = canary()
    weights = world.weights()
    world.remove("Deployment", "pharmacy")
    made = world.reconcile()
    assert "TemplateMissing" in made.codes
    go(world, 10)
    assert world.weights() == weights
    assert last_phase(world) is Phase.PROGRESSING


def test_an_app_that_never_had_a_template_is_left_out() -> None:
    """There is nothing to run."""
    world = World()
    world.app()
    world.remove("Deployment", "pharmacy")
    made = world.reconcile()
    assert made.plan == Plan()


def test_old_templates_are_pruned_and_used_ones_are_not() -> None:
    """Five retired templates stay beside stable, the newest of them."""
    world = World()
    world.app(replicas=1, release={"steps": [{"weight": 100}]})
    revisions = [next(iter(world.settle().plan.apps[0].weights))]
    for number in range(2, 10):
        world.template(image=str(number), replicas=1)
        revisions.append(next(iter(world.settle().plan.apps[0].weights)))
    roles = [world.role("pharmacy", revision) for revision in revisions]
    assert roles == [None, None, None, *["retired"] * 5, "stable"]


def test_releases_of_two_apps_begin_in_one_pass() -> None:
    """Apps do not wait for each other."""
    world = World()
    for app in ("page", "pharmacy"):
        world.app(app, release={"steps": STEPS})
    world.settle()
    world.template("page", image="2")
    world.template("pharmacy", image="2")
    made = world.reconcile()
    assert [release.spec.apps[0].name for release in made.plan.releases] == ["page", "pharmacy"]


def subsets(world: World) -> set[str]:
    """The subsets of the app as stored."""
    body = world.store["DestinationRule", Key("shop", "pharmacy")]
    return {subset["name"] for subset in body["spec"]["subsets"]}


def test_a_subset_stays_while_pods_of_it_drain() -> None:
    """Requests that they still answer would be cut off with it."""
    world = canary()
    candidate = world.releases()[0].spec.apps[0].revision
    world.template(image="1")
    world.settle(until=lambda: world.replicas(f"pharmacy-{candidate}") == 0)
    assert any(pod.leaves for pod in world.pods)
    world.reconcile()
    assert f"r-{candidate}" in subsets(world)
    world.settle()
    assert f"r-{candidate}" not in subsets(world)


def test_a_subset_stays_while_a_proxy_may_have_rules_for_it() -> None:
    """Even when nothing else of the version is left: its requests are refused connections, not routes."""
    world = canary()
    candidate = world.releases()[0].spec.apps[0].revision
    world.proxies[0].frozen = True
    world.template(image="1")
    go(world, 10)
    world.remove("Deployment", f"pharmacy-{candidate}")
    world.kill(candidate)
    go(world, 10)
    assert f"r-{candidate}" in subsets(world)
    world.proxies[0].frozen = False
    world.settle()
    assert f"r-{candidate}" not in subsets(world)


def test_rules_of_a_stable_that_is_lost_for_good_are_withdrawn() -> None:
    """Neither its template nor pods are left: its requests would get 503 until then."""
    world = World()
    world.app()
    stable = world.settle().plan.apps[0].stable
    world.remove("ControllerRevision", f"pharmacy-{stable}")
    world.remove("Deployment", f"pharmacy-{stable}")
    world.template(image="2")
    world.reconcile()
    assert world.weights() == {}
    world.settle()
    assert stable not in world.weights()
    assert list(world.weights().values()) == [10_000]


@pytest.mark.parametrize("after", range(6))
def test_killed_before_the_rules_of_a_gateway_are_written_it_takes_no_pod_away(after: int) -> None:
    """Requests from outside still go to the old version, though every proxy has the mesh's new rules."""
    world = World()
    outside = {"gateways": ["shop/public"], "hosts": ["shop.example"]}
    policy = {"steps": [{"weight": 100}]}
    world.app(release=policy, routing=outside, scale={"replicas": 4, "surge": "100%"})
    world.settle()
    world.template(image="2")
    for _ in range(40):
        world.reconcile(stop_after=after)
        world.sync()
        assert violations(world, world.reconcile()) == []
        world.sync()
        world.tick()
    assert last_phase(world) is Phase.PROMOTED


def test_a_subset_stays_while_a_proxy_may_have_rules_for_it_though_its_pods_are_lost() -> None:
    """After a restart nothing is known to be confirmed: that is no reason to take away what rules name."""
    world = canary()
    candidate = world.releases()[-1].spec.apps[0].revision
    world.proxies[0].frozen = True
    world.template(image="1")
    world.reconcile()
    world.restart()
    world.remove("Deployment", f"pharmacy-{candidate}")
    world.tick()
    world.kill(candidate)
    assert violations(world, world.reconcile()) == []


def test_a_record_that_is_behind_the_stable_label_ends_as_a_promotion() -> None:
    """As after a restore of older records: the template is not one that was put back."""
    world = canary()
    world.ask(Verb.PROMOTE)
    world.settle()
    record = world.store["Release", world.releases()[-1].key]
    older = {field: value for field, value in record["status"].items() if field != "finishedAt"}
    world.put(record | {"status": older | {"phase": "Progressing"}})
    go(world, 3)
    assert last_phase(world) is Phase.PROMOTED
