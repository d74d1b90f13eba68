"""`keepOld`, and blue/green: pods that stand ready for weight they do not have."""

from __future__ import annotations

from tests.plan.test_release import go, releasing, status, step
from tests.plan.world import World

from laneway.spec.release import Phase, Verb

BLUE_GREEN = [{"weight": 0, "hold": "1m"}, {"weight": 100}]


def promoted(world: World) -> tuple[str, str]:
    """The old and the new revision, once the release is over."""
    world.settle(until=lambda: world.releases()[-1:] != [] and status(world).phase is Phase.PROMOTED)
    return status(world).stable, world.releases()[-1].spec.apps[0].revision


def pods(world: World, revision: str) -> int:
    """What the Deployment of a revision asks for."""
    return world.replicas(f"pharmacy-{revision}")


def test_the_old_version_keeps_its_pods_until_keep_old_is_over() -> None:
    """All of them, and no longer; the plan wakes for it."""
    world = releasing(keepOld="1m")
    old, _ = promoted(world)
    made = go(world, 40)
    assert pods(world, old) == 4
    assert "KeptWarm" in made.codes
    assert made.plan.wake is not None
    made = go(world, 30)
    assert pods(world, old) == 0
    assert "KeptWarm" not in made.codes


def test_an_undo_to_warm_pods_moves_all_weight_in_one_pass() -> None:
    """That is what they were kept for."""
    world = releasing(keepOld="10m")
    old, new = promoted(world)
    go(world, 20)
    world.ask(Verb.UNDO)
    world.reconcile()
    assert world.weights() == {old: 10_000}
    go(world, 20)
    assert (pods(world, old), pods(world, new)) == (4, 0)
    assert world.role("pharmacy", new) == "refused"


def test_an_abort_finds_all_of_stables_pods() -> None:
    """They stay during the release too, so that no way back waits for any."""
    world = releasing(keepOld="10m", steps=[step(75, "1h"), step(100)], rollback={"overload": "100%"})
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    world.ask(Verb.ABORT)
    world.reconcile()
    assert world.weights() == {status(world).stable: 10_000}


def test_a_newer_release_lets_go_of_what_the_one_before_kept() -> None:
    """The oldest goes first: an app never holds three versions for long."""
    world = releasing(keepOld="10m", steps=[step(50, "1m"), step(100)])
    first, second = promoted(world)
    world.template(image="3")
    go(world, 40)
    assert pods(world, first) == 0
    assert pods(world, second) == 4


def test_blue_green_has_all_green_pods_up_before_the_hold_begins() -> None:
    """At weight 0, with a surge of 100 %; then it switches in one move."""
    world = releasing(steps=BLUE_GREEN, surge="100%")
    go(world, 3)
    green = world.releases()[-1].spec.apps[0].revision
    assert (pods(world, green), status(world).held_since) == (4, None)
    world.settle(until=lambda: bool(status(world).held_since))
    assert sum(pod.ready for pod in world.pods if green in pod.labels.values()) == 4
    assert world.weights() == {status(world).stable: 10_000}
    seen = []
    for _ in range(80):
        go(world, 1)
        seen.append(world.weights().get(green, 0))
    assert sorted(set(seen)) == [0, 10_000]


def test_a_hold_at_no_weight_waits_for_the_pods_that_the_surge_allows() -> None:
    """A quarter of four is one pod; more of them come with the weight."""
    world = releasing(steps=BLUE_GREEN)
    go(world, 2)
    green = world.releases()[-1].spec.apps[0].revision
    world.starting_fails.add(green)
    made = go(world, 20)
    assert status(world).held_since is None
    assert any("0 of 1 pods available for what comes next" in f.text for f in made.report.findings)
    world.starting_fails.clear()
    go(world, 20)
    assert pods(world, green) == 1
    assert status(world).held_since is not None
