"""The judge's verdict: it lets a release go on, takes it back, or leaves it where it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.plan.test_release import go, releasing, status
from tests.plan.world import World

from laneway.analysis.configuration import Margin
from laneway.analysis.verdict import Outcome
from laneway.plan.judging import RECORDED_EVERY, terms
from laneway.plan.observed import Side
from laneway.plan.result import Comparison
from laneway.spec.release import Judged, Phase, Verb
from laneway.spec.release_policy import ReleasePolicy

ERRORS = {"name": "errors"}
STEP = {"weight": 50, "hold": "10s", "limit": "5m"}


def judged(world: World, outcome: Outcome, words: str = "as counted") -> None:
    """What the judge says now, until it says something else."""
    release = world.releases()[-1]
    world.judged[release.key] = Judged(at=world.now, outcome=outcome, words=words, state=f"{world.now}")


def holding(**step: Any) -> World:
    """A release at 50 %, judged by its errors, of which nothing is known yet."""
    world = releasing(steps=[STEP | step, {"weight": 100}], judge={"metrics": [ERRORS]})
    world.settle(until=lambda: bool(world.running() and status(world).held_since))
    judged(world, Outcome.GO_ON)
    return world


def codes(world: World) -> set[str]:
    """Of the findings now."""
    return {finding.code for finding in go(world, 1).report.findings}


def test_a_step_ends_when_the_judge_lets_it() -> None:
    """Not before: time alone is no evidence."""
    world = holding()
    go(world, 60)
    assert status(world).step == 0
    assert {"AwaitingVerdict", "Judged"} <= codes(world)
    judged(world, Outcome.PROMOTE, "acceptable in every metric")
    go(world, 30)
    assert status(world).phase is Phase.PROMOTED
    assert status(world).reason == "acceptable in every metric"


def test_the_hold_is_a_minimum() -> None:
    """However clear the evidence is."""
    world = holding(hold="1m")
    judged(world, Outcome.PROMOTE)
    go(world, 40)
    assert status(world).step == 0
    go(world, 60)
    assert status(world).phase is Phase.PROMOTED


def test_a_version_that_is_worse_is_rolled_back_at_once() -> None:
    """During its hold, with the words of the judge."""
    world = holding(hold="1h", limit="2h")
    judged(world, Outcome.ROLLBACK, "worse in errors: 5 of 103")
    go(world, 30)
    assert status(world).phase is Phase.ROLLED_BACK
    assert status(world).reason == "worse in errors: 5 of 103"


def test_a_paused_release_is_still_rolled_back() -> None:
    """Its weight still meets users."""
    world = holding()
    world.ask(Verb.PAUSE)
    go(world, 2)
    judged(world, Outcome.ROLLBACK)
    go(world, 30)
    assert status(world).phase is Phase.ROLLED_BACK


def test_a_person_who_promotes_knows_better_than_the_judge() -> None:
    """Guardrails are there for limits that nobody may pass."""
    world = holding()
    world.ask(Verb.PROMOTE)
    go(world, 2)
    judged(world, Outcome.ROLLBACK)
    go(world, 30)
    assert status(world).phase is Phase.PROMOTED


def test_a_person_may_skip_a_step_that_is_not_decided() -> None:
    """The evidence goes on over the next one."""
    world = holding()
    go(world, 30)
    world.ask(Verb.SKIP)
    go(world, 30)
    assert status(world).phase is Phase.PROMOTED


@pytest.mark.parametrize("outcome", [Outcome.GO_ON, Outcome.UNSURE])
@pytest.mark.parametrize(
    ("then", "phase"),
    [("pause", Phase.PAUSED), ("rollback", Phase.ROLLED_BACK), ("promote", Phase.PROMOTED)],
)
def test_who_is_not_sure_in_time_does_what_the_step_says(then: str, phase: Phase, outcome: Outcome) -> None:
    """The reason says what is missing."""
    world = holding(limit="1m", onUnsure=then)
    judged(world, outcome, "no request has reached the canary for 60 s")
    go(world, 100)
    assert status(world).phase is phase
    if then != "promote":
        assert status(world).reason == (
            "the judge is not sure after 1m: no request has reached the canary for 60 s"
        )


def test_without_any_verdict_a_release_waits_for_its_limit() -> None:
    """Nothing counted is neither good nor bad."""
    world = holding(limit="1m")
    world.judged.clear()
    go(world, 100)
    assert (status(world).phase, status(world).reason) == (
        Phase.PAUSED,
        "the judge is not sure after 1m: nothing was counted",
    )


def test_a_step_without_weight_and_the_last_one_ask_no_judge() -> None:
    """There is nothing to compare."""
    world = releasing(steps=[{"weight": 0, "hold": "5s"}, {"weight": 100}], judge={"metrics": [ERRORS]})
    go(world, 60)
    assert status(world).phase is Phase.PROMOTED


def test_both_sides_are_counted_from_the_releases_beginning_on() -> None:
    """Beside what guardrails count from the step's."""
    world = holding()
    made = go(world, 1).plan
    began = status(world).started_at
    assert {
        (watch.id.since, watch.id.side, watch.revision == status(world).stable) for watch in made.watches
    } == {
        (began, Side.CANARY, False),
        (began, Side.STABLE, True),
    }
    (comparison,) = made.comparisons
    assert comparison.since == began


def test_a_weight_is_told_once_every_proxy_has_it() -> None:
    """Before, requests follow an older one."""
    world = releasing(steps=[STEP, {"weight": 100}], judge={"metrics": [ERRORS]})
    seen: list[Comparison] = []
    while not (world.running() and status(world).held_since):
        seen += go(world, 1).plan.comparisons
    assert {comparison.weight for comparison in seen[:-1]} == {None}
    (comparison,) = go(world, 1).plan.comparisons
    assert (comparison.weight, comparison.weighed) == (5_000, status(world).held_since)


def test_what_the_judge_remembers_is_recorded_now_and_then() -> None:
    """Each record costs a write, and says where a controller that starts goes on."""
    world = holding(hold="2m")
    written = []
    for _ in range(60):
        judged(world, Outcome.GO_ON)
        go(world, 1)
        written.append(status(world).judged)
    times = sorted({each.at for each in written if each})
    assert len(times) == 60 // (RECORDED_EVERY // timedelta(seconds=1))


def test_a_decision_is_recorded_with_all_that_led_to_it() -> None:
    """However fresh the last record is."""
    world = holding(hold="2m")
    go(world, 2)
    judged(world, Outcome.ROLLBACK, "worse")
    decided = world.judged[world.releases()[-1].key]
    go(world, 1)
    assert status(world).judged == decided


def test_a_recorded_verdict_holds_while_nobody_counts() -> None:
    """After a restart, before the first reading."""
    world = holding()
    judged(world, Outcome.PROMOTE)
    go(world, 1)
    world.judged.clear()
    go(world, 30)
    assert status(world).phase is Phase.PROMOTED


def test_terms_are_what_the_app_writes() -> None:
    """In shares of one; what is not written is the metric's own."""
    written = {
        "falseRollback": "0.5%",
        "metrics": [{"name": "errors", "tolerate": {"ratio": 1.2}, "warmUp": "5s"}, {"name": "latency"}],
    }
    found = terms(ReleasePolicy.model_validate({"judge": written}))
    assert found is not None
    errors, latency = found.metrics
    assert (found.false_rollback, found.false_promote) == (0.005, 0.05)
    assert (errors.tolerate, errors.refuse, errors.warm_up) == (Margin(1.2), Margin(1.25, 0.0025), 5.0)
    assert latency.warm_up == 60.0


def test_what_is_refused_is_never_less_than_what_is_tolerated() -> None:
    """Who writes one margin alone moves the other with it."""
    found = terms(
        ReleasePolicy.model_validate({"judge": {"metrics": [ERRORS | {"tolerate": {"ratio": 2, "plus": 1}}]}})
    )
    assert found is not None
    assert found.metrics[0].refuse == Margin(2.0, 0.01)


@pytest.mark.parametrize("drawn", [{"preview": {"header": "x-version"}}, {"sticky": {"cookie": "side"}}])
def test_shares_of_requests_are_not_compared_where_people_choose(drawn: Any) -> None:
    """They follow no weight then."""
    found = terms(ReleasePolicy.model_validate({"judge": {"metrics": [ERRORS]}} | drawn))
    assert found is not None
    assert found.share_tolerance is None


def test_without_metrics_nobody_judges() -> None:
    """Holds and guardrails decide."""
    assert terms(ReleasePolicy()) is None
    world = releasing(steps=[STEP, {"weight": 100}])
    made = go(world, 5).plan
    assert (made.watches, made.comparisons) == ((), ())
