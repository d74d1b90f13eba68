"""The course of a release, in a world that does as it is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.plan.invariants import violations
from tests.plan.world import Pass, World

from laneway.plan.result import Severity
from laneway.spec.release import Phase, Release, ReleaseStatus, Verb

HALF = [{"weight": 50, "hold": "1m"}, {"weight": 100}]


def step(weight: float, hold: str = "0s", limit: str = "6d", on_unsure: str = "pause") -> dict[str, Any]:
    """A step as people write it."""
    return {"weight": weight, "hold": hold, "limit": limit, "onUnsure": on_unsure}


def releasing(replicas: int = 4, surge: str = "25%", steps: Any = None, **release: Any) -> World:
    """A settled app, to which a new template has been applied."""
    world = World()
    policy = {"steps": steps or [{"weight": 20, "hold": "10s"}, {"weight": 100}]} | release
    world.app(replicas=replicas, scale={"replicas": replicas, "surge": surge}, release=policy)
    world.settle()
    world.template(image="2", replicas=replicas)
    return world


def go(world: World, passes: int = 30) -> Pass:
    """Healthy passes, a second each."""
    for _ in range(passes):
        made = world.reconcile()
        assert violations(world, made) == []
        world.sync()
        world.tick()
    return made


def status(world: World) -> ReleaseStatus:
    """The record of the newest release."""
    found = world.releases()[-1].status
    assert found is not None
    return found


def write_release(world: World, name: str, revision: str) -> None:
    """A Release as CI or a person writes it."""
    spec = {"apps": [{"name": "pharmacy", "revision": revision}]}
    metadata = {"name": name, "namespace": "shop"}
    world.put(Release.model_validate({"metadata": metadata, "spec": spec}).written())


def shares(world: World) -> list[int]:
    """The weights of the released revision in order, until it is promoted; never too many pods on the way."""
    seen: list[int] = []
    pods = 0
    for _ in range(400):
        made = world.reconcile()
        assert violations(world, made) == []
        pods = max(pods, len(world.pods))
        released = world.releases()[-1]
        weight = world.weights().get(released.spec.apps[0].revision, 0)
        seen += [weight] if seen[-1:] != [weight] else []
        if released.status and released.status.phase is Phase.PROMOTED:
            return [*seen, pods]
        world.sync()
        world.tick()
    raise AssertionError(f"not promoted after {seen}")


def test_twenty_pods_move_in_sub_shifts_of_a_quarter() -> None:
    """20, 45, 70, 95, 100 %, and never more than 25 pods, draining ones included."""
    assert shares(releasing(replicas=20)) == [0, 2_000, 4_500, 7_000, 9_500, 10_000, 25]


@pytest.mark.parametrize(
    ("replicas", "expected"),
    [(1, [0, 2_000, 10_000, 2]), (2, [0, 2_000, 5_000, 10_000, 3]), (3, [0, 2_000, 3_333, 6_666, 10_000, 4])],
)
def test_small_apps_have_one_pod_more(replicas: int, expected: list[int]) -> None:
    """One, two and three pods are at most two, three and four."""
    assert shares(releasing(replicas=replicas)) == expected


def test_a_full_surge_shifts_at_once() -> None:
    """Blue/green: both versions have all their pods for a moment."""
    assert shares(releasing(replicas=6, surge="100%", steps=[{"weight": 100}])) == [0, 10_000, 12]


def test_a_cut_sub_shift_is_exact_in_pods() -> None:
    """Of three pods one carries 3,333 and two carry 6,666 basis points: the giver frees a pod."""
    world = releasing(replicas=3)
    world.settle(until=lambda: 3_333 in world.weights().values())
    assert sorted(world.weights().values()) == [3_333, 6_666]


@pytest.mark.parametrize("replicas", range(1, 26))
@pytest.mark.parametrize("surge", ["1%", "25%", "50%", "100%"])
def test_no_sub_shift_gets_stuck(replicas: int, surge: str) -> None:
    """Whatever the size, the surge and the weights, a healthy release is promoted within its surge."""
    steps = [{"weight": weight, "hold": "0s"} for weight in (7, 33.33, 66.66, 99.99, 100)]
    world = releasing(replicas=replicas, surge=surge, steps=steps)
    shares_ = shares(world)
    assert shares_[-2] == 10_000
    assert {700, 3_333, 6_666, 9_999} <= set(shares_)


def test_a_hold_starts_when_every_proxy_has_confirmed() -> None:
    """A proxy that lags delays the hold, not only the next step."""
    world = releasing(steps=HALF)
    world.settle(until=lambda: 5_000 in world.weights().values())
    world.proxies[0].frozen = True
    assert "Holding" not in go(world).codes
    assert status(world).held_since is None
    world.proxies[0].frozen = False
    assert "Holding" in go(world, 3).codes


def test_another_change_of_the_rules_does_not_restart_a_hold() -> None:
    """Lanes come and go during a hold: it lasts as long as it says."""
    world = releasing(steps=HALF)
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    since = status(world).held_since
    world.lane("green", "pharmacy")
    go(world, 20)
    world.restart()
    go(world, 20)
    assert status(world).held_since == since


def test_the_plan_wakes_at_the_end_of_a_hold() -> None:
    """Nobody has to poll."""
    world = releasing(steps=HALF)
    made = world.settle(until=lambda: bool(world.running() and status(world).held_since))
    assert made.plan.wake == world.now + timedelta(minutes=1)


def test_the_last_step_holds_before_the_old_version_goes() -> None:
    """A hold at 100 % keeps the way back: the release is not over yet."""
    world = releasing(steps=[{"weight": 100, "hold": "30s"}])
    world.settle(until=lambda: list(world.weights().values()) == [10_000] and bool(status(world).held_since))
    go(world, 20)
    assert status(world).phase is Phase.PROGRESSING
    go(world, 20)
    assert status(world).phase is Phase.PROMOTED


def test_a_release_is_not_over_while_a_proxy_lags() -> None:
    """The last hold has passed, but another change of the rules is not confirmed yet."""
    world = releasing(steps=[step(100, "30s")])
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    world.proxies[0].frozen = True
    world.lane("green", "pharmacy", fallback={"else": "refuse"})
    go(world, 40)
    assert status(world).phase is Phase.PROGRESSING
    world.proxies[0].frozen = False
    go(world, 5)
    assert status(world).phase is Phase.PROMOTED


@pytest.mark.parametrize(
    ("on_unsure", "phase"),
    [("pause", Phase.PAUSED), ("rollback", Phase.ROLLED_BACK), ("promote", Phase.PROGRESSING)],
)
def test_a_step_that_is_not_reached_in_time(on_unsure: str, phase: Phase) -> None:
    """It pauses, goes back, or keeps trying; a limit never moves weight to pods that are not there."""
    world = releasing(steps=[step(20, "5s", "20s", on_unsure), step(100)])
    world.reconcile()
    world.starting_fails.add(world.releases()[-1].spec.apps[0].revision)
    go(world, 60)
    assert status(world).phase is phase
    assert list(world.weights().values()) == [10_000]


def test_a_paused_release_stays_until_it_is_promoted() -> None:
    """Paused, it says so; promoted, it skips every hold."""
    world = releasing(steps=[step(20, "1h", "1h"), step(50, "1h"), step(100)])
    world.reconcile()
    candidate = world.releases()[-1].spec.apps[0].revision
    world.starting_fails.add(candidate)
    world.tick(4_000)
    assert "Paused" in go(world, 10).codes
    assert world.replicas(f"pharmacy-{candidate}"), "what keeps it from starting can be looked at"
    world.starting_fails.clear()
    assert "Paused" in go(world, 10).codes
    world.ask(Verb.PROMOTE)
    go(world, 60)
    assert (status(world).phase, status(world).reason) == (Phase.PROMOTED, "promoted by request")


def test_promotion_skips_holds_but_no_gate() -> None:
    """The remaining steps are gone through in sub-shifts, without waiting for the clock."""
    world = releasing(
        replicas=20,
        steps=[step(20, "5d"), step(100, "5d")],
    )
    world.settle(until=lambda: 2_000 in world.weights().values())
    world.ask(Verb.PROMOTE)
    assert shares(world)[1:] == [4_500, 7_000, 9_500, 10_000, 25]


def test_an_abort_is_recorded_with_its_reason_and_the_revision_refused() -> None:
    """The traffic is back at stable, and a warning says that the template is not tried again."""
    world = releasing(steps=HALF)
    world.settle(until=lambda: 5_000 in world.weights().values())
    stable = status(world).stable
    world.ask(Verb.ABORT, reason="it is slow")
    made = go(world, 40)
    assert (status(world).phase, status(world).reason) == (
        Phase.ROLLED_BACK,
        "aborted by request: it is slow",
    )
    assert world.weights() == {stable: 10_000}
    assert [f.severity for f in made.report.findings if f.code == "RevisionRefused"] == [Severity.WARNING]
    assert len(world.releases()) == 1


def test_an_abort_moves_what_stable_carries_at_overload() -> None:
    """Two of four stable pods carry 75 % at 150 %; the rest follows as pods come, whatever proxies do."""
    world = releasing(steps=[step(75, "1h"), step(100)], rollback={"overload": "150%"})
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    go(world, 20)
    release = world.releases()[-1]
    candidate, stable = release.spec.apps[0].revision, status(world).stable
    assert world.replicas(f"pharmacy-{stable}") == 1
    for proxy in world.proxies:
        proxy.frozen = True
    world.ask(Verb.ABORT)
    world.reconcile()
    assert world.weights() == {stable: 3_750, candidate: 6_250}
    world.tick(6)
    world.reconcile()
    assert world.weights() == {stable: 10_000}
    assert status(world).phase is Phase.ABORTING


def test_a_template_put_back_is_an_abort_and_nothing_is_refused() -> None:
    """The template may be tried again at any time: nothing was wrong with it."""
    world = releasing(steps=HALF)
    world.settle(until=lambda: 5_000 in world.weights().values())
    world.template(image="1")
    made = world.settle(until=lambda: world.running() is None)
    assert "RevisionRefused" not in made.codes
    assert status(world).phase is Phase.ROLLED_BACK
    world.template(image="2")
    go(world, 5)
    assert world.running() is not None
    assert len(world.releases()) == 2


def test_a_newer_revision_waits_until_the_old_one_has_returned_its_weight() -> None:
    """Superseded in mid-canary: all of the traffic goes to stable, then the newer one starts."""
    world = releasing(steps=HALF)
    world.settle(until=lambda: 5_000 in world.weights().values())
    first = world.releases()[-1]
    world.template(image="3")
    world.settle(until=lambda: len(world.releases()) == 2)
    assert list(world.weights().values()) == [10_000]
    superseded, newer = world.releases()
    assert superseded.key == first.key and superseded.status and newer.status
    assert superseded.status.phase is Phase.SUPERSEDED
    assert superseded.status.superseded_by == newer.spec.apps[0].revision
    assert newer.status.step == 0
    go(world, 300)
    assert status(world).phase is Phase.PROMOTED


def test_a_refused_revision_is_tried_again_after_another_template() -> None:
    """Also when it comes back much later, also after a restart; until then it is left alone."""
    world = releasing(steps=HALF)
    world.settle(until=lambda: 5_000 in world.weights().values())
    world.ask(Verb.ABORT)
    go(world, 40)
    world.restart()
    go(world, 20)
    assert len(world.releases()) == 1
    world.template(image="1")
    go(world, 10)
    world.template(image="2")
    go(world, 10)
    assert len(world.releases()) == 2


def test_a_release_that_somebody_writes_tries_a_refused_revision_again() -> None:
    """`retry` is a Release of one's own; it is taken as the record, under its name."""
    world = releasing(steps=HALF)
    world.settle(until=lambda: 5_000 in world.weights().values())
    refused = world.releases()[-1].spec.apps[0].revision
    world.ask(Verb.ABORT)
    go(world, 40)
    write_release(world, "retry", refused)
    go(world, 150)
    retried = next(release for release in world.releases() if release.metadata.name == "retry")
    assert retried.status is not None
    assert retried.status.phase is Phase.PROMOTED
    assert "RevisionRefused" not in go(world, 2).codes


def test_a_release_that_ci_wrote_is_the_record_of_its_revision() -> None:
    """No second one is made beside it."""
    world = World()
    world.app()
    world.settle()
    world.template(image="2")
    other = World()
    other.app(image="2")
    revision = other.settle().plan.apps[0].stable
    write_release(world, "build-42", revision)
    go(world, 5)
    assert [release.metadata.name for release in world.releases()] == ["build-42"]
    assert status(world).phase is Phase.PROGRESSING


def test_fewer_steps_during_a_release() -> None:
    """A step that is gone is left for the last one."""
    world = releasing(steps=[step(10, "1s"), step(20, "1s"), step(100, "5d")])
    world.settle(until=lambda: status(world).step == 2 if world.running() else False)
    policy = {"steps": [{"weight": 100}]}
    world.app(image="2", scale={"replicas": 4}, release=policy)
    go(world, 60)
    assert status(world).phase is Phase.PROMOTED


def test_a_release_starts_while_stable_is_not_whole() -> None:
    """A stable version that lacks pods keeps its weight, and loses a share of it as usual."""
    world = releasing(replicas=4, steps=HALF)
    stable = world.reconcile().plan.apps[0].stable
    world.starting_fails.add(stable)
    world.kill(stable, 3)
    go(world, 40)
    assert sorted(world.weights().values()) == [5_000, 5_000]


def test_scaling_during_a_release_takes_effect_at_once() -> None:
    """Each version has the pods of its share of the new size."""
    world = releasing(replicas=4, steps=HALF)
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    world.app(image="2", replicas=10, scale={"replicas": 10}, release={"steps": HALF})
    go(world, 20)
    assert {world.replicas(f"pharmacy-{revision}") for revision in world.weights()} == {5}


def test_an_abort_does_not_wait_until_a_restarted_planner_knows_every_proxy_again() -> None:
    """Stable has its pods, and a proxy takes the rules after the subset that they name."""
    world = releasing(surge="100%", steps=[step(100, hold="1h")], keepOld="1h")
    world.settle(until=lambda: 10_000 in world.weights().values() and world.running() is not None)
    go(world, 10)
    stable = status(world).stable
    assert stable not in world.weights()
    world.restart()
    world.ask(Verb.ABORT)
    world.reconcile()
    assert world.weights() == {stable: 10_000}


def test_an_abort_takes_nothing_from_a_stable_version_that_has_lost_pods() -> None:
    """What it carries already it keeps, though its pods would not be given so much."""
    world = releasing(steps=[step(20, hold="1h"), step(100)])
    world.settle(until=lambda: len(world.weights()) == 2)
    world.sync()
    world.kill(status(world).stable, 3)
    world.ask(Verb.ABORT)
    world.reconcile()
    assert world.weights()[status(world).stable] == 8_000


def test_a_rollback_is_over_when_every_proxy_serves_it() -> None:
    """The refused version keeps its pods until then."""
    world = releasing(steps=[step(50, hold="1h"), step(100)])
    world.settle(until=lambda: 5_000 in world.weights().values())
    world.sync()
    world.ask(Verb.ABORT)
    for _ in range(3):
        world.reconcile()
    assert world.weights() == {status(world).stable: 10_000}
    assert status(world).phase is Phase.ABORTING
    go(world, 2)
    assert status(world).phase is Phase.ROLLED_BACK


def test_a_restart_during_a_hold_says_what_it_waits_for() -> None:
    """Rules name the subset already: the proxies' word on the weights is missing, not that on the subset."""
    world = releasing(steps=[step(50, hold="1h"), step(100)])
    world.settle(until=lambda: 5_000 in world.weights().values())
    go(world, 3)
    world.restart()
    assert "AwaitingSubset" not in world.reconcile().codes
