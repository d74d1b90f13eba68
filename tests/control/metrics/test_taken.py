"""A judge that takes in metrics of one's own: once, beside what is counted, and over restarts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from tests.control.metrics.answering import RELEASE, START, compared, later, web

from laneway.analysis.configuration import Configuration, Kind, Metric
from laneway.analysis.tick import Answer, Said
from laneway.control.judging import Judging
from laneway.control.metrics.sample import Counters, MetricId, Read, Sample
from laneway.plan.observed import Counts, CountsId, Side
from laneway.plan.result import Asked, Comparison
from laneway.spec.release import Judged

ASKED = web("http://stats.shop")
DECLINED = MetricId(RELEASE, START, "declined")
TERMS = Configuration((Metric("errors"), Metric("declined", source="its URL")))
GAUGE = Configuration((Metric("errors"), Metric("declined", Kind.GAUGE, block=10.0, source="its URL")))


def counted(bad: int, of: int) -> Counters:
    """What the URL says."""
    return Counters({"s": bad}, {"s": of})


def read(seconds: float, canary: Sample, stable: Sample) -> dict[MetricId, Read]:
    """Both versions' answers."""
    return {DECLINED: Read(later(seconds), Said(Answer.DATA), canary, stable)}


def silent(seconds: float) -> dict[MetricId, Read]:
    """No answer."""
    return {DECLINED: Read(later(seconds), Said(Answer.SILENT, "refused"))}


def requests(canary: int, stable: int) -> dict[CountsId, Counts]:
    """As the proxies count, without a failure."""
    counts = (Counts(canary), Counts(stable))
    return {CountsId(RELEASE, START, side): each for side, each in zip(Side, counts, strict=True)}


class World:
    """A release whose judge looks once a second; `requests` a second for each version."""

    def __init__(self, terms: Configuration = TERMS, asked: Asked = ASKED) -> None:
        self.comparison = compared(asked, terms=terms)
        self.judging = Judging()
        self.judging.set([self.comparison])
        self.second = 0

    def look(self, others: dict[MetricId, Read], **more: Any) -> Judged:
        """A second later."""
        self.second += 1
        counts = requests(self.second * 20, self.second * 80)
        self.judging.read(counts, later(self.second), others=others, **more)
        return self.judging.judged[RELEASE]

    def restart(self, comparison: Comparison | None = None) -> None:
        """Another process goes on from the record."""
        remembered = self.judging.judged[RELEASE]
        changed = comparison or self.comparison
        self.comparison = Comparison(
            RELEASE, START, changed.terms, remembered=remembered, asked=changed.asked
        )
        self.judging = Judging()
        self.judging.set([self.comparison])


def declined(judged: Judged) -> str:
    """What the memory has of the metric: bad, of, of the canary and of stable."""
    state = orjson.loads(judged.state)["state"]["metrics"]["declined"]
    return "{1} of {0}, {3} of {2}".format(*state["canary"], *state["stable"])


def test_the_first_answer_is_where_counting_begins() -> None:
    world = World()
    assert declined(world.look(read(0.5, counted(7, 70), counted(700, 7000)))) == "0 of 0, 0 of 0"
    assert declined(world.look(read(1.5, counted(8, 90), counted(701, 7100)))) == "1 of 20, 1 of 100"


def test_an_answer_counts_once() -> None:
    """The judge looks more often than sources are asked."""
    world, answer = World(), read(1.5, counted(8, 90), counted(701, 7100))
    world.look(read(0.5, counted(7, 70), counted(700, 7000)))
    for _ in range(3):
        judged = world.look(answer)
    assert declined(judged) == "1 of 20, 1 of 100"


def test_what_was_missed_is_in_the_next_answer() -> None:
    """A source that was silent, and counts of requests that did not come."""
    world = World()
    world.look(read(0.5, counted(0, 0), counted(0, 10)))
    world.look(silent(1.5))
    world.look(read(2.5, counted(1, 20), counted(1, 110)), answers=False)
    assert declined(world.look(read(3.5, counted(2, 40), counted(2, 210)))) == "2 of 40, 2 of 200"


def test_a_restart_counts_nothing_twice_and_loses_nothing() -> None:
    world = World()
    world.look(read(0.5, counted(0, 0), counted(0, 10)))
    world.look(read(1.5, counted(1, 20), counted(1, 110)))
    world.restart()
    assert declined(world.look(read(1.5, counted(1, 20), counted(1, 110)))) == "1 of 20, 1 of 100"
    assert declined(world.look(read(3.5, counted(4, 60), counted(2, 210)))) == "4 of 60, 2 of 200"


def test_another_question_begins_anew() -> None:
    """Its counters are others; the evidence stays."""
    world = World()
    world.look(read(0.5, counted(0, 0), counted(0, 10)))
    world.look(read(1.5, counted(1, 20), counted(1, 110)))
    world.restart(compared(web("http://other.shop"), terms=TERMS))
    assert declined(world.look(read(2.5, counted(500, 900), counted(1, 110)))) == "1 of 20, 1 of 100"
    assert declined(world.look(read(3.5, counted(501, 910), counted(1, 120)))) == "2 of 30, 1 of 110"


def test_a_worse_metric_rolls_back_though_no_request_fails() -> None:
    """With its numbers in the verdict's words."""
    world = World()
    for second in range(60):
        judged = world.look(
            read(second + 0.5, counted(second * 4, second * 20), counted(second, second * 80))
        )
        if judged.outcome == "rollback":
            break
    assert judged.outcome == "rollback"
    assert "the canary is worse than tolerated in declined" in judged.words
    assert second < 15


def test_a_gauge_that_is_worse_rolls_back() -> None:
    world = World(GAUGE)
    judged = None
    for second in range(400):
        wobble = 1 + 0.01 * (second % 7)
        judged = world.look(read(second + 0.5, 1.5 * wobble, 1.0))
        if judged.outcome == "rollback":
            break
    assert judged is not None
    assert judged.outcome == "rollback"
    assert "1.54 times stable's" in judged.words or "1.55 times stable's" in judged.words, judged.words


def test_a_dead_source_is_told_and_keeps_no_other_metric_from_its_verdict() -> None:
    """Nothing is promoted without it."""
    world = World()
    for second in range(200):
        judged = world.look(silent(second + 0.5))
    assert judged.outcome == "unsure"
    assert judged.words == "declined: its URL has not answered for 3 min (refused)"
    counts = requests(world.second * 20 + 20, world.second * 80 + 80)
    canary = CountsId(RELEASE, START, Side.CANARY)
    counts[canary] = Counts(counts[canary].requests, 200)
    world.judging.read(counts, later(world.second + 1), others=silent(0.5))
    assert world.judging.judged[RELEASE].outcome == "rollback"


def test_a_memory_of_before_there_were_such_metrics_is_taken_up() -> None:
    """It has neither what was taken in nor what was heard."""
    world = World()
    judged = world.look({})
    old = orjson.loads(judged.state)
    del old["taken"]
    remembered = judged.model_copy(update={"state": orjson.dumps(old).decode()})
    world.judging = Judging()
    world.judging.set([Comparison(RELEASE, START, TERMS, remembered=remembered, asked=(ASKED,))])
    assert isinstance(world.look({}).at, datetime)
