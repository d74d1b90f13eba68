"""Ramps: a weight that follows what a judge knows, up with care and down at once."""

from __future__ import annotations

from typing import Any

import pytest
from tests.plan.test_release import go, releasing, status
from tests.plan.world import World

from laneway.analysis.verdict import Outcome
from laneway.spec.release import Judged, Phase, Verb

JUDGE = {"metrics": [{"name": "errors"}]}
RAMP = {"budget": "0.05%", "from": "1%", "to": "50%"}


def ramping(**ramp: Any) -> World:
    """A release of ten pods that has its first weight."""
    world = releasing(replicas=10, judge=JUDGE, ramp=RAMP | ramp)
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    return world


def says(world: World, excess: float | None, outcome: Outcome = Outcome.GO_ON) -> None:
    """The judge, from now on."""
    judged = Judged(at=world.now, outcome=outcome, words="said", state="{}", excess=excess)
    world.judged[world.releases()[-1].key] = judged


def weight(world: World) -> int:
    """Of the new version, as rules have it."""
    return world.weights("pharmacy").get(world.releases()[-1].spec.apps[0].revision, 0)


def test_a_ramp_begins_with_its_least_weight() -> None:
    """And stays there while nothing is known."""
    world = ramping()
    assert weight(world) == 100
    made = go(world, 60)
    assert weight(world) == 100
    (text,) = [finding.text for finding in made.report.findings if finding.code == "Ramping"]
    assert text == (
        "pharmacy begins at 1 %, for nothing is known of its errors yet; "
        "0.05 % of all requests may fail because of it"
    )


def test_the_weight_is_the_budget_over_the_bound() -> None:
    world = ramping()
    says(world, 0.01)
    made = go(world)
    assert weight(world) == 500
    (text,) = [finding.text for finding in made.report.findings if finding.code == "Ramping"]
    assert text.startswith("pharmacy is at 5 %: by what is known, at most 1 % more of its requests fail")
    says(world, 0.0)
    go(world, 60)
    assert weight(world) == 5_000


def test_a_weight_is_not_raised_for_less_than_a_quarter() -> None:
    """Each raise is new pods, and rules for every proxy."""
    world = ramping()
    says(world, 0.01)
    go(world)
    says(world, 0.0081)
    go(world)
    assert weight(world) == 500
    says(world, 0.008)
    go(world)
    assert weight(world) == 625


def test_a_weight_is_raised_once_the_one_before_is_confirmed() -> None:
    """Whatever the judge says meanwhile."""
    world = ramping()
    says(world, 0.01)
    world.reconcile()
    says(world, 0.001)
    made = world.reconcile()
    assert status(world).ramp == 500
    assert not made.plan.apps[0].weights.get(world.releases()[-1].spec.apps[0].revision, 0) > 500


def test_a_weight_falls_at_once() -> None:
    """As fast as stable has pods for what returns."""
    world = ramping()
    says(world, 0.001)
    go(world, 60)
    assert weight(world) == 5_000
    says(world, 0.002)
    world.reconcile()
    assert status(world).ramp == 2_500
    go(world)
    assert weight(world) == 2_500
    says(world, None)
    go(world)
    assert weight(world) == 100


def test_a_promotion_takes_all_requests() -> None:
    world = ramping()
    says(world, 0.01, Outcome.PROMOTE)
    go(world, 60)
    assert weight(world) == 10_000
    assert status(world).phase is Phase.PROMOTED


def test_a_worse_version_goes_back() -> None:
    world = ramping()
    says(world, 0.2, Outcome.ROLLBACK)
    go(world)
    assert status(world).phase is Phase.ROLLED_BACK


def test_a_ramp_that_takes_too_long_does_what_it_says() -> None:
    world = ramping(limit="1m", onUnsure="pause")
    says(world, 0.01)
    go(world, 90)
    assert status(world).phase is Phase.PAUSED
    assert weight(world) == 500


def test_a_person_s_word_goes_past_a_ramp() -> None:
    world = ramping()
    world.ask(Verb.PROMOTE, "pharmacy")
    go(world, 60)
    assert status(world).phase is Phase.PROMOTED


@pytest.mark.parametrize(("start", "to", "now"), [("5%", "50%", 500), ("1%", "3%", 300)])
def test_bounds_that_are_written_meanwhile_hold(start: str, to: str, now: int) -> None:
    """Where the weight was between the old ones."""
    world = ramping()
    says(world, 0.001)
    go(world, 60)
    says(world, 0.5 if start == "5%" else 0.001)
    policy = {"judge": JUDGE, "ramp": RAMP | {"from": start, "to": to}}
    world.app(image="2", replicas=10, scale={"replicas": 10, "surge": "25%"}, release=policy)
    go(world)
    assert weight(world) == now
