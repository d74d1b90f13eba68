"""A person's word on a release: what it does, and when it is refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from tests.plan.test_release import HALF, go, releasing, shares, status, step, write_release
from tests.plan.world import World

from laneway.spec.release import Phase, Verb


def at_half(**release: Any) -> World:
    """A release whose hold at 50 % has begun."""
    world = releasing(steps=HALF, **release)
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    return world


def promoted(**release: Any) -> World:
    """A release that is over, and whose old pods are gone."""
    world = releasing(steps=[{"weight": 100}], **release)
    world.settle(until=lambda: world.releases()[-1:] != [] and status(world).phase is Phase.PROMOTED)
    go(world, 15)
    return world


def codes(world: World) -> set[str]:
    """What the report says now."""
    return go(world, 1).codes


def test_a_pause_holds_the_weights_in_the_middle_of_a_shift() -> None:
    """Between two sub-shifts: neither weight nor pods move until it is resumed."""
    world = releasing(replicas=20, steps=[step(100)])
    world.settle(until=lambda: len(world.weights()) == 2)
    weights = world.weights()
    world.ask(Verb.PAUSE, reason="looking")
    made = go(world, 60)
    assert world.weights() == weights
    assert status(world).phase is Phase.PAUSED
    assert "paused by request: looking" in next(f.text for f in made.report.findings if f.code == "Paused")
    world.ask(Verb.RESUME)
    go(world, 60)
    assert status(world).phase is Phase.PROMOTED


def test_a_pause_outlasts_a_hold_and_resuming_counts_it() -> None:
    """The weight was held all the while, so that nothing is waited for twice."""
    world = at_half()
    world.ask(Verb.PAUSE)
    go(world, 70)
    assert sorted(world.weights().values()) == [5_000, 5_000]
    world.ask(Verb.RESUME)
    go(world, 20)
    assert status(world).phase is Phase.PROMOTED


def test_a_paused_release_can_still_be_aborted() -> None:
    """The way back is always open."""
    world = at_half()
    world.ask(Verb.PAUSE)
    go(world, 3)
    world.ask(Verb.ABORT)
    go(world, 30)
    assert status(world).phase is Phase.ROLLED_BACK


def test_a_skip_ends_this_hold_and_no_other() -> None:
    """The next step holds as it says."""
    world = releasing(steps=[step(25, "1h"), step(50, "1h"), step(100)])
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    world.ask(Verb.SKIP)
    go(world, 60)
    assert sorted(world.weights().values()) == [5_000, 5_000]
    assert (status(world).step, status(world).phase) == (1, Phase.PROGRESSING)


def test_a_skip_of_the_last_step_ends_the_release() -> None:
    """There is nothing to go to but the end."""
    world = releasing(steps=[step(100, "5d")])
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    world.ask(Verb.SKIP)
    go(world, 5)
    assert status(world).phase is Phase.PROMOTED


def test_a_request_is_taken_up_once() -> None:
    """Resumed after a restart, a release that was paused stays resumed; skipped once is skipped once."""
    world = releasing(steps=[step(25, "1h"), step(50, "1h"), step(100)])
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    world.ask(Verb.SKIP)
    go(world, 30)
    world.restart()
    go(world, 30)
    assert status(world).step == 1


def test_a_retry_tries_the_refused_revision_again() -> None:
    """Under a record of its own, which has who and why."""
    world = at_half()
    world.ask(Verb.ABORT)
    go(world, 30)
    assert world.ask(Verb.RETRY, reason="the database is back") == ""
    go(world, 150)
    assert status(world).phase is Phase.PROMOTED
    assert status(world).stable != world.releases()[-1].spec.apps[0].revision
    request = world.releases()[-1].spec.request
    assert request is not None
    assert (request.verb, request.reason) == (Verb.RETRY, "the database is back")


def test_an_undo_goes_back_to_the_version_before_and_refuses_the_undone_one() -> None:
    """Its pods are gone, so they are built first; the template that is still applied is not tried again."""
    world = promoted()
    old, new = status(world).stable, world.releases()[-1].spec.apps[0].revision
    assert world.replicas(f"pharmacy-{old}") == 0
    assert world.ask(Verb.UNDO, reason="prices are wrong") == ""
    go(world, 2)
    assert world.weights() == {new: 10_000}, "never to a version without pods"
    go(world, 30)
    assert world.weights() == {old: 10_000}
    assert (world.role("pharmacy", old), world.role("pharmacy", new)) == ("stable", "refused")
    assert (status(world).phase, status(world).reason) == (
        Phase.ROLLED_BACK,
        "undone by request: prices are wrong",
    )
    world.restart()
    assert "RevisionRefused" in codes(world)
    go(world, 30)
    assert len(world.releases()) == 1


@pytest.mark.parametrize("after", range(6))
def test_an_undo_survives_a_kill_between_any_two_of_its_writes(after: int) -> None:
    """The record says where it goes, whatever the labels say yet."""
    world = promoted()
    old = status(world).stable
    world.ask(Verb.UNDO)
    world.reconcile(stop_after=after)
    world.restart()
    go(world, 40)
    assert world.weights() == {old: 10_000}
    assert status(world).phase is Phase.ROLLED_BACK


def test_an_undone_revision_can_be_retried() -> None:
    """As any refused one."""
    world = promoted()
    new = world.releases()[-1].spec.apps[0].revision
    world.ask(Verb.UNDO)
    go(world, 40)
    assert world.ask(Verb.RETRY) == ""
    go(world, 60)
    assert world.weights() == {new: 10_000}


def test_what_cannot_be_done_is_refused_with_the_reason() -> None:
    """Each says what there is instead."""
    world = World()
    world.app()
    world.settle()
    assert world.ask(Verb.PAUSE) == "no release of shop/pharmacy is running, and none has been"
    assert world.ask(Verb.UNDO) == "shop/pharmacy: there has been no release"
    assert "is not refused: there is nothing to retry" in world.ask(Verb.RETRY)
    world = at_half()
    name = world.releases()[-1].metadata.name
    assert world.ask(Verb.UNDO) == f"release {name} of shop/pharmacy is running: abort it first"
    world.ask(Verb.ABORT)
    world.reconcile()
    assert world.ask(Verb.PAUSE) == f"release {name} of shop/pharmacy goes back already"
    go(world, 40)
    assert "is RolledBack: there is no promotion to undo" in world.ask(Verb.UNDO)


def test_a_newer_revision_waits_in_the_queue() -> None:
    """The running release goes on; the newest of those that came meanwhile is next."""
    world = at_half(onNew="queue")
    first = world.releases()[-1].spec.apps[0].revision
    world.template(image="3")
    go(world, 5)
    world.template(image="4")
    assert {"Queued", "Holding"} <= codes(world)
    assert first in world.weights()
    world.settle(until=lambda: len(world.releases()) == 2)
    done = world.releases()[0]
    assert done.status and done.status.phase is Phase.PROMOTED
    go(world, 150)
    assert (len(world.releases()), status(world).phase) == (2, Phase.PROMOTED)
    assert {"3", "4"} & set(images(world)) == {"4"}


def images(world: World) -> list[str]:
    """The images of an app's pods."""
    made = world.reconcile()
    return [version.template.image or "" for version in made.plan.apps[0].versions if version.replicas]


def test_a_release_written_for_another_template_says_that_it_waits() -> None:
    """It does not wait in silence for a template that may never come."""
    world = World()
    world.app()
    world.settle()
    write_release(world, "build-42", "0123456789")
    assert "OtherTemplate" in codes(world)
    world.remove("Release", "build-42")
    assert "OtherTemplate" not in codes(world)


def test_promotion_ends_a_pause() -> None:
    """As it always did."""
    world = at_half()
    world.ask(Verb.PAUSE)
    go(world, 2)
    world.ask(Verb.PROMOTE)
    assert 10_000 in shares(world)


def test_what_runs_is_not_retried() -> None:
    """The way to try it again is to end it first."""
    world = World()
    world.app(release={"steps": [{"weight": 50, "hold": "1h"}, {"weight": 100}]})
    world.settle()
    world.template(image="2")
    world.settle(until=lambda: world.running() is not None)
    assert "is running: abort it first" in world.ask(Verb.RETRY)
