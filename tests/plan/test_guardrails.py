"""Guardrails: what counts of the new version stop it, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.plan.test_release import go, releasing, status
from tests.plan.world import World

from laneway.plan.observed import Counts
from laneway.spec.release import Phase, Verb

ERRORS = {"metric": "errors", "above": "5%"}
LATENCY = {"metric": "latency", "above": "500ms"}


def guarded(*guardrails: Any) -> World:
    """A release that holds 50 % for an hour."""
    steps = [{"weight": 50, "hold": "1h", "limit": "2h"}, {"weight": 100}]
    world = releasing(steps=steps, judge={"guardrails": list(guardrails)})
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    return world


def counted(world: World, **counts: Any) -> None:
    """The proxies have counted so much since they were asked to."""
    (watch,) = go(world, 1).plan.watches
    world.counts[watch.id] = Counts(**counts)


@pytest.mark.parametrize(("then", "phase"), [("rollback", Phase.ROLLED_BACK), ("pause", Phase.PAUSED)])
def test_too_many_errors_do_what_the_guardrail_says(then: str, phase: Phase) -> None:
    """The reason has the numbers."""
    world = guarded(ERRORS | {"then": then})
    counted(world, requests=100, errors=12)
    go(world, 30)
    assert status(world).phase is phase
    assert status(world).reason == ("guardrail broken: 12 of 100 requests failed (12.00 %), allowed are 5 %")


@pytest.mark.parametrize(("requests", "errors"), [(100, 5), (49, 49), (0, 0)])
def test_few_errors_and_few_requests_stop_nothing(requests: int, errors: int) -> None:
    """At the bound it is not above it; below the minimum nobody can tell."""
    world = guarded(ERRORS)
    counted(world, requests=requests, errors=errors)
    go(world, 30)
    assert status(world).phase is Phase.PROGRESSING


@pytest.mark.parametrize(("slow", "phase"), [(1, Phase.PROGRESSING), (2, Phase.ROLLED_BACK)])
def test_the_99th_percentile_may_not_be_slower_than_the_bound(slow: int, phase: Phase) -> None:
    """More than one in a hundred above 500 ms is a p99 above 500 ms."""
    world = guarded(LATENCY)
    counted(world, requests=100, timed=100, within={400: 90, 500: 100 - slow, 1000: 100})
    go(world, 30)
    assert status(world).phase is phase


def test_the_report_has_the_numbers() -> None:
    """Also while all is well."""
    world = guarded(ERRORS)
    counted(world, requests=812, errors=3)
    texts = [finding.text for finding in go(world, 1).report.findings if finding.code == "Guarded"]
    assert texts == ["pharmacy guardrail, rollback: 3 of 812 requests failed (0.37 %), allowed are 5 %"]


def test_without_guardrails_nothing_is_counted() -> None:
    """And nothing is stopped by counts."""
    world = guarded()
    assert go(world, 2).plan.watches == ()


def test_a_pause_by_a_guardrail_counts_anew_when_it_is_over() -> None:
    """Else it would be back at once."""
    world = guarded(ERRORS | {"then": "pause"})
    counted(world, requests=100, errors=12)
    go(world, 5)
    assert status(world).phase is Phase.PAUSED
    world.ask(Verb.RESUME)
    go(world, 10)
    assert status(world).phase is Phase.PROGRESSING


def test_a_paused_release_is_still_rolled_back() -> None:
    """Its weight still meets users."""
    world = guarded(ERRORS)
    world.ask(Verb.PAUSE)
    go(world, 2)
    counted(world, requests=100, errors=100)
    go(world, 30)
    assert status(world).phase is Phase.ROLLED_BACK


def test_a_promotion_goes_past_what_would_pause_it_but_not_past_what_rolls_back() -> None:
    """A person has looked at it, and yet a limit is a limit."""
    world = guarded(ERRORS | {"then": "pause"}, ERRORS | {"above": "50%"})
    world.ask(Verb.PROMOTE)
    go(world, 2)
    counted(world, requests=100, errors=12)
    go(world, 3)
    assert status(world).phase is not Phase.PAUSED
    world = guarded(ERRORS | {"above": "50%"})
    world.ask(Verb.PROMOTE)
    world.reconcile()
    counted(world, requests=100, errors=60)
    go(world, 30)
    assert status(world).phase is Phase.ROLLED_BACK
