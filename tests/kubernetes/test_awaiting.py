"""What apps wait to have confirmed, and which of them an answer concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from laneway.kubernetes.awaiting import Awaiting
from laneway.kubernetes.confirm.wanted import Rules
from laneway.kubernetes.interest import Interest
from laneway.spec.meta import Key

PAGE, PHARMACY = Key("shop", "page"), Key("shop", "pharmacy")


class Answers:
    """Stands for what finds out what proxies have: only asked, and answering as a test says."""

    def __init__(self) -> None:
        self.watched: list[tuple[Mapping[Key, Rules], frozenset[str]]] = []
        self.has: set[object] = set()
        self.counts: dict[str, int] = {}

    def watch(self, rules: Mapping[Key, Rules], clusters: Iterable[str], counted: Iterable[str]) -> None:
        self.watched.append((rules, frozenset(clusters)))

    def rules(self, key: Key, marker: str) -> bool:
        return (key, marker) in self.has

    def cluster(self, name: str) -> bool:
        return name in self.has

    def endpoints(self, name: str) -> int | None:
        return self.counts.get(name)

    def laggards(self) -> tuple[str, ...]:
        return ()


class Soon:
    """An event loop's `call_soon`, whose turn a test decides."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def __call__(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


def interest(of: Key, marker: str = "~1", *clusters: str) -> Interest:
    return Interest({of: Rules(marker)}, frozenset(clusters))


def made() -> tuple[Answers, Soon, Awaiting]:
    answers, soon = Answers(), Soon()
    return answers, soon, Awaiting(answers, soon)


def test_the_interests_of_all_are_told_as_one_and_once_for_a_turn() -> None:
    answers, soon, awaiting = made()
    awaiting.interested((PAGE,), interest(PAGE, "~1", "a"))
    awaiting.interested((PHARMACY,), interest(PHARMACY, "~2", "b"))
    assert not answers.watched
    soon.turn()
    assert answers.watched == [({PAGE: Rules("~1"), PHARMACY: Rules("~2")}, frozenset({"a", "b"}))]


def test_an_interest_that_is_the_same_is_not_told_again() -> None:
    answers, soon, awaiting = made()
    for _ in range(2):
        awaiting.interested((PAGE,), interest(PAGE))
        soon.turn()
    assert len(answers.watched) == 1


def test_an_app_is_looked_at_again_when_an_answer_about_it_differs_and_only_once() -> None:
    answers, _, awaiting = made()
    awaiting.interested((PAGE,), interest(PAGE))
    awaiting.interested((PHARMACY,), interest(PHARMACY))
    assert not awaiting.changed()
    answers.has.add((PAGE, "~1"))
    assert awaiting.changed() == [PAGE]
    assert not awaiting.changed()


def test_the_endpoints_of_a_counted_cluster_are_an_answer_too() -> None:
    answers, _, awaiting = made()
    counting = Interest({}, frozenset({"a", "b"}), counted=frozenset({"a"}))
    awaiting.interested((PAGE,), counting)
    answers.counts["a"] = 1
    assert awaiting.changed() == [PAGE]
    answers.counts["a"] = 2
    assert awaiting.changed() == [PAGE]
    answers.counts["b"] = 1
    assert not awaiting.changed(), "rules lead there already"


def test_what_was_seen_while_it_was_planned_is_not_told_afterwards() -> None:
    answers, _, awaiting = made()
    awaiting.interested((PAGE,), interest(PAGE))
    answers.has.add((PAGE, "~1"))
    awaiting.interested((PAGE,), interest(PAGE))
    assert not awaiting.changed()


def test_apps_that_are_planned_together_from_now_on_wait_as_one() -> None:
    answers, _, awaiting = made()
    awaiting.interested((PHARMACY,), interest(PHARMACY))
    awaiting.interested((PAGE, PHARMACY), Interest({PAGE: Rules("~1"), PHARMACY: Rules("~2")}))
    answers.has.add((PHARMACY, "~2"))
    assert awaiting.changed() == [PAGE]


def test_who_is_forgotten_waits_for_nothing() -> None:
    answers, soon, awaiting = made()
    awaiting.interested((PAGE,), interest(PAGE))
    awaiting.forget(PAGE)
    soon.turn()
    answers.has.add((PAGE, "~1"))
    assert not awaiting.changed()
    assert answers.watched[-1] == ({}, frozenset())
