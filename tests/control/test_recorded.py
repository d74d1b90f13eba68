"""Recorded counts as ticks."""

from __future__ import annotations

import json
from typing import Any

from laneway.analysis.configuration import ERRORS, LATENCY, Configuration, Kind, Metric
from laneway.analysis.tick import Answer, Arm, Counted
from laneway.control.recorded import Recorded, of_file
from laneway.plan.observed import Counts
from laneway.spec.recording import read


def recorded(*lines: dict[str, Any]) -> Recorded:
    """What these lines of a file say."""
    found, problems = read("\n".join(map(json.dumps, lines)), "a.jsonl")
    assert not problems
    return of_file(found)


def arm(requests: int, errors: int = 0, **within: int) -> dict[str, Any]:
    """Counts of an arm; edges are written like _100."""
    edges = {edge.removeprefix("_"): count for edge, count in within.items()}
    return {"requests": requests, "errors": errors} | ({"within": edges} if edges else {})


def test_an_interval_reaches_back_to_the_one_before() -> None:
    """The first is as long as the next, unless it says so."""
    found = recorded({"at": 30, "stable": arm(5)}, {"at": 45, "stable": arm(6)}, {"at": 75, "stable": arm(7)})
    assert [(span.since, span.at) for span in found.spans] == [(15, 30), (30, 45), (45, 75)]
    gap = recorded({"since": 10}, {"at": 30, "stable": arm(5)}, {"at": 75, "since": 60, "stable": arm(7)})
    assert [(span.since, span.at) for span in gap.spans] == [(10, 30), (60, 75)]


def test_counters_become_differences() -> None:
    """One that fell was reset, and counts from zero."""
    found = recorded(
        {"cumulative": True, "weight": 25},
        {"at": 0, "canary": arm(10, 1, _100=5), "stable": arm(100, 2, _100=50)},
        {"at": 15, "canary": arm(15, 1, _100=9), "stable": arm(120, 3, _100=69)},
        {"at": 30, "canary": arm(4, 2, _100=1), "stable": arm(130, 3, _100=70), "weight": 50},
    )
    assert [span.canary for span in found.spans] == [Counts(5, 0, 5, {100: 4}), Counts(4, 2, 4, {100: 1})]
    assert [span.stable for span in found.spans] == [
        Counts(20, 1, 20, {100: 19}),
        Counts(10, 0, 10, {100: 1}),
    ]
    assert [span.weight for span in found.spans] == [0.25, 0.5]
    assert found.spans[1].notes == ("the canary: its counters were reset",)


def test_a_reading_of_counters_that_is_missing_loses_nothing() -> None:
    """The next one reaches back over it."""
    found = recorded(
        {"cumulative": True},
        {"at": 0, "canary": arm(0), "stable": arm(0)},
        {"at": 15, "stable": arm(20)},
        {"at": 30, "canary": arm(10), "stable": arm(40)},
    )
    ticks = found.ticks(Configuration((ERRORS,)))
    assert [(tick.since, tick.at, tick.answer) for tick in ticks] == [
        (0, 15, Answer.ABSENT), (0, 30, Answer.DATA),
    ]  # fmt: skip
    assert (ticks[1].canary, ticks[1].stable) == (10, 40)


def test_stable_alone_is_a_recording_too() -> None:
    """The canary had nothing then; a recorded one that is missing was not read."""
    alone = recorded({"since": 0}, {"at": 15, "stable": arm(20, 1)})
    assert alone.alone
    (tick,) = alone.ticks(Configuration((ERRORS,)))
    assert tick.metrics == {"errors": Counted(Arm(0, (0,)), Arm(20, (1,)))}
    both = recorded(
        {"since": 0}, {"at": 15, "stable": arm(20)}, {"at": 30, "canary": arm(1), "stable": arm(4)}
    )
    assert [tick.answer for tick in both.ticks(Configuration((ERRORS,)))] == [Answer.ABSENT, Answer.DATA]
    assert (alone.unread, both.unread) == (0, 1)
    assert both.total() == (Counts(1), Counts(24))


def test_latency_is_judged_at_the_edges_that_were_counted() -> None:
    """What was not recorded is not judged, and that is told."""
    found = recorded({"since": 0}, {"at": 15, "stable": arm(20, 1, _100=15, _250=19, _300=20)})
    terms, notes = found.fitting(Configuration((ERRORS, LATENCY, Metric("queue", Kind.GAUGE))))
    assert terms is not None
    assert [metric.edges_ms for metric in terms.metrics] == [(), (100, 250)]
    assert notes == ["queue: not recorded, so it is not judged"]
    (tick,) = found.ticks(terms)
    assert tick.metrics["latency"] == Counted(Arm(0, (0, 0)), Arm(20, (5, 1)))


def test_terms_of_which_nothing_was_recorded_are_none() -> None:
    """There is nothing to judge by."""
    found = recorded({"since": 0}, {"at": 15, "stable": arm(20, 1)})
    assert found.fitting(Configuration((LATENCY,)))[0] is None
