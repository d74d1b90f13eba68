"""Verdicts: what is said when, in words and in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from json import dumps, loads
from math import log

import pytest
from tests.analysis.reading import ERRORS_ONLY, TICK, counts, judged, silent, steady, tick

from laneway.analysis.bets import BOLDNESS
from laneway.analysis.configuration import Configuration, Kind, Metric
from laneway.analysis.judge import judge
from laneway.analysis.state import State, from_json, to_json
from laneway.analysis.tick import Answer, Arm, Counted, Measured, Said, Tick
from laneway.analysis.verdict import Lack, Outcome, verdict

HEALTHY = counts(300, 0, 1_200, 2)
BAD = counts(300, 15, 1_200, 1)


def test_a_rollback_has_its_evidence() -> None:
    """What was counted in both arms, and against which bound."""
    found = verdict(ERRORS_ONLY, judged(ERRORS_ONLY, [tick(0, BAD)]), now=20.0)
    assert found.outcome is Outcome.ROLLBACK
    said, evidence = found.reason.split("; evidence ")
    assert said == (
        "the canary is worse than tolerated in errors: 15 of 300 requests failed (5.0 %), "
        "of stable's 1 of 1,200 (0.083 %)"
    )
    assert evidence.endswith(" of 100")
    assert found.worse >= found.rollback_at == 100


def test_slow_requests_are_told_at_the_edge_that_speaks_against_them() -> None:
    """Not as a quantile, which a histogram does not know."""
    slow = Metric("latency", Kind.LATENCY, edges_ms=(10, 1_000))
    configuration = Configuration((slow,))
    reading = Counted(Arm(300, (200, 30)), Arm(1_200, (800, 12)))
    state = judged(configuration, [tick(0, canary=300, stable=1_200, metrics={"latency": reading})])
    found = verdict(configuration, state, now=15.0)
    assert found.outcome is Outcome.ROLLBACK
    assert (
        "30 of 300 requests took more than 1,000 ms (10 %), of stable's 12 of 1,200 (1.0 %)" in found.reason
    )


def test_a_gauge_is_told_as_a_ratio() -> None:
    """And says so while no block is complete."""
    queue = Configuration((Metric("queue", Kind.GAUGE, block=60.0),))
    ticks = [tick(index, metrics={"queue": Measured(3.0 + 0.1 * (index // 4), 2.0)}) for index in range(12)]
    early = verdict(queue, judged(queue, ticks[:3]), now=45.0).metrics[0]
    assert early.words == "no block of 60 s is complete"
    assert verdict(queue, judged(queue, ticks), now=180.0).metrics[0].words == (
        "1.55 times stable's over 3 blocks of 60 s"
    )


def test_a_promotion_has_its_evidence_and_bound() -> None:
    """No more than the refused margin, with confidence 95 %."""
    state = judged(ERRORS_ONLY, steady(20, HEALTHY))
    found = verdict(ERRORS_ONLY, state, now=20 * TICK)
    assert found.outcome is Outcome.PROMOTE
    assert found.reason.startswith(
        "the canary is acceptable in every metric: errors: 0 of 6,000 requests failed"
    )
    assert found.acceptable >= found.promote_at == 20
    assert found.excess is not None
    assert 0 <= found.excess < 0.0025


def test_a_promotion_waits_for_requests_that_still_run() -> None:
    """They are counted when they end: a canary whose slow requests all fail looks well at first."""
    state = State()
    for each in steady(40, HEALTHY):
        state = judge(ERRORS_ONLY, state, each)
        if state.acceptable is not None:
            break
    assert state.acceptable is not None
    found = verdict(ERRORS_ONLY, state, now=state.acceptable)
    assert found.outcome is Outcome.GO_ON
    assert found.reason == "acceptable; waits 15 s for requests that still run"
    timed_out = judge(ERRORS_ONLY, state, tick(round(state.acceptable / TICK), counts(300, 40, 1_200, 2)))
    assert verdict(ERRORS_ONLY, timed_out, now=state.acceptable + 15).outcome is Outcome.ROLLBACK
    unscathed = judge(ERRORS_ONLY, state, tick(round(state.acceptable / TICK), HEALTHY))
    assert verdict(ERRORS_ONLY, unscathed, now=state.acceptable + 15).outcome is Outcome.PROMOTE


def test_what_is_not_decided_says_how_much_it_needs() -> None:
    """And how long that takes at this rate."""
    found = verdict(ERRORS_ONLY, judged(ERRORS_ONLY, steady(2, HEALTHY)), now=30.0)
    assert found.outcome is Outcome.GO_ON
    assert found.needed is not None
    assert 500 < found.needed < 3_000
    assert f"about {found.needed:,} more of its requests decide" in found.reason


def test_no_request_needs_the_rule_of_three_at_least() -> None:
    """Between ln(1 / beta) / plus and ln(bets / beta) / plus, before anything is known of stable."""
    found = verdict(ERRORS_ONLY, State(), now=0.0)
    assert found.needed is not None
    assert log(20) / 0.0025 < found.needed < log(20 * len(BOLDNESS)) / 0.0025


@pytest.mark.parametrize(
    ("later", "lack", "text"),
    [
        (
            [silent(index) for index in range(1, 7)],
            Lack.SOURCE,
            "the source of counts has not answered for 90 s",
        ),
        (
            [silent(index, Answer.ABSENT) for index in range(1, 7)],
            Lack.DATA,
            "the source answers, but has not both arms for 90 s",
        ),
        (
            steady(6, counts(0, 0, 1_500, 2), start=1),
            Lack.TRAFFIC,
            "no request has reached the canary for 90 s",
        ),
    ],
)
def test_three_lacks_are_three_messages(later: Sequence[Tick], lack: Lack, text: str) -> None:
    """A dead source, no data and no traffic; none passes, none fails."""
    found = verdict(ERRORS_ONLY, judged(ERRORS_ONLY, [tick(0, HEALTHY), *later]), now=105.0)
    assert found.outcome is Outcome.UNSURE
    assert found.lacks == ((lack, text),)
    assert found.reason == text


def test_a_judge_that_is_not_asked_finds_its_source_dead() -> None:
    """Time goes on without ticks."""
    state = judged(ERRORS_ONLY, [tick(0, HEALTHY)])
    assert verdict(ERRORS_ONLY, state, now=75.0).outcome is Outcome.GO_ON
    assert verdict(ERRORS_ONLY, state, now=76.0).lacks[0][0] is Lack.SOURCE


@pytest.mark.parametrize("answer", [Answer.SILENT, Answer.ABSENT])
def test_what_was_acceptable_is_not_promoted_blindly(answer: Answer) -> None:
    """The last minute may have changed everything."""
    ticks = [*steady(20, HEALTHY), *(silent(index, answer) for index in range(20, 26))]
    found = verdict(ERRORS_ONLY, judged(ERRORS_ONLY, ticks), now=26 * TICK)
    assert found.outcome is Outcome.UNSURE


def test_a_rollback_needs_no_newer_data() -> None:
    """What is shown stays shown, with a dead source too."""
    ticks = [tick(0, BAD), *(silent(index) for index in range(1, 9))]
    assert verdict(ERRORS_ONLY, judged(ERRORS_ONLY, ticks), now=999.0).outcome is Outcome.ROLLBACK


def test_a_rollback_whose_evidence_fell_since_says_when_it_was_reached() -> None:
    """Somebody looked late."""
    later = judged(ERRORS_ONLY, [tick(0, BAD), *steady(400, HEALTHY, start=1)])
    found = verdict(ERRORS_ONLY, later, now=6_015.0)
    assert found.outcome is Outcome.ROLLBACK
    assert found.reason.endswith("evidence reached 100 100 min ago")


def test_nothing_read_is_no_data() -> None:
    """Before the first tick."""
    assert verdict(ERRORS_ONLY, State(), now=0.0).lacks == ((Lack.DATA, "nothing was read yet"),)


def test_a_canary_that_refuses_its_traffic_is_not_promoted() -> None:
    """It answers well what it answers: 5 % of the requests at a weight of 20 %."""
    ticks = [tick(index, counts(75, 0, 1_425, 0), weight=0.2) for index in range(80)]
    found = verdict(ERRORS_ONLY, judged(ERRORS_ONLY, ticks), now=80 * TICK)
    assert found.outcome is Outcome.UNSURE
    assert found.reason == (
        "the canary had 6,000 of 120,000 requests (5.0 %), its weight is 20 %: "
        "are they refused or not counted?"
    )
    drawn = Configuration((Metric("errors"),), share_tolerance=None)
    assert verdict(drawn, judged(drawn, ticks), now=80 * TICK).outcome is Outcome.PROMOTE


DECLINED = Metric("declined", source="web stats.shop:8080")
WITH_DECLINED = Configuration((Metric("errors"), DECLINED))


def with_declined(index: int, said: Said | None, reading: Counted | None = None) -> Tick:
    """A healthy interval, and what the other source said in it."""
    metrics = {"errors": HEALTHY} | ({"declined": reading} if reading else {})
    return replace(tick(index, HEALTHY), metrics=metrics, said={"declined": said} if said else {})


@pytest.mark.parametrize(
    ("said", "reading", "lack", "text"),
    [
        (Said(Answer.SILENT, "refused"), None, Lack.SOURCE, "has not answered for 90 s (refused)"),
        (None, None, Lack.SOURCE, "has not answered for 90 s"),
        (Said(Answer.ABSENT, "NaN"), None, Lack.DATA, "answers, but without data for 90 s (NaN)"),
        (
            Said(Answer.DATA),
            counts(0, 0, 1_500, 2),
            Lack.TRAFFIC,
            "has counted nothing of the canary for 90 s",
        ),
    ],
)
def test_each_metric_s_own_source_has_these_three_messages(
    said: Said | None, reading: Counted | None, lack: Lack, text: str
) -> None:
    """With the metric's name and its source's; requests are counted meanwhile, and promote nothing."""
    ticks = [
        with_declined(0, Said(Answer.DATA), HEALTHY),
        *(with_declined(index, said, reading) for index in range(1, 7)),
    ]
    found = verdict(WITH_DECLINED, judged(WITH_DECLINED, ticks), now=105.0)
    assert found.outcome is Outcome.UNSURE
    assert found.lacks == ((lack, f"declined: web stats.shop:8080 {text}"),)


def test_a_silent_metric_keeps_no_other_from_a_rollback() -> None:
    """Errors are judged as ever."""
    state = judged(WITH_DECLINED, [replace(tick(0, BAD), said={"declined": Said(Answer.SILENT)})])
    assert verdict(WITH_DECLINED, state, now=15.0).outcome is Outcome.ROLLBACK


def test_what_a_source_said_is_kept() -> None:
    """The state goes through JSON."""
    state = judged(WITH_DECLINED, [with_declined(0, Said(Answer.ABSENT, "NaN"))])
    assert from_json(loads(dumps(to_json(state)))) == state
