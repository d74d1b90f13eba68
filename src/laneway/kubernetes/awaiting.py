"""What apps wait to have confirmed, and which of them an answer concerns.

Owns that an app is looked at again when an answer about it differs, and only then. Must not ask any istiod.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from laneway.kubernetes.confirm.wanted import Rules
from laneway.kubernetes.facts import Confirmed
from laneway.kubernetes.interest import Interest
from laneway.spec.meta import Key

Answers = tuple[object, ...]


class Confirmations(Confirmed, Protocol):
    """What finds out what proxies have."""

    def watch(self, rules: Mapping[Key, Rules], clusters: Iterable[str], counted: Iterable[str]) -> None:
        """What is to be confirmed from now on, as a whole; counted: clusters whose endpoints count."""


@dataclass(slots=True)
class _Awaited:
    interest: Interest
    answers: Answers


class Awaiting:
    """The interests of all apps, by the first of those that are planned together."""

    def __init__(self, confirmations: Confirmations, soon: Callable[[Callable[[], None]], object]) -> None:
        """soon: calls a function later, once the present work is done (`loop.call_soon`)."""
        self._said = confirmations
        self._soon = soon
        self._awaited: dict[Key, _Awaited] = {}
        self._told = True

    def interested(self, apps: tuple[Key, ...], interest: Interest) -> None:
        """These apps, planned together, want this to be confirmed."""
        for app in apps[1:]:
            self._awaited.pop(app, None)
        before = self._awaited.get(apps[0])
        if before is None or before.interest != interest:
            self._awaited[apps[0]] = _Awaited(interest, self._answers(interest))
            self._later()
        else:
            before.answers = self._answers(before.interest)  # in its order

    def forget(self, app: Key) -> None:
        """It wants nothing any more."""
        if self._awaited.pop(app, None):
            self._later()

    def changed(self) -> list[Key]:
        """The apps about which an answer is another one than when they were last looked at."""
        found = []
        for app, awaited in self._awaited.items():
            answers = self._answers(awaited.interest)
            if answers != awaited.answers:
                awaited.answers = answers
                found.append(app)
        return found

    def _answers(self, interest: Interest) -> Answers:
        said = self._said
        rules = tuple(said.rules(key, wanted.marker) for key, wanted in interest.rules.items())
        clusters = tuple(map(said.cluster, interest.clusters))
        return (*rules, *clusters, *map(said.endpoints, interest.counted))

    def _later(self) -> None:
        if self._told:
            self._told = False
            self._soon(self._tell)

    def _tell(self) -> None:
        self._told = True
        rules: dict[Key, Rules] = {}
        clusters: set[str] = set()
        counted: set[str] = set()
        for awaited in self._awaited.values():
            rules |= awaited.interest.rules
            clusters |= awaited.interest.clusters
            counted |= awaited.interest.counted
        self._said.watch(rules, clusters, counted)
