"""Recorded counts as a file of JSON lines, which `laneway replay` reads.

Owns the form of the file, and what may be wrong in it. Must not know what is made of the counts. Times are
seconds since the Unix epoch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from laneway.spec.fields import Flaw, read_fields
from laneway.spec.meta import Model
from laneway.spec.problems import Code, Place, Problem
from laneway.spec.values import Percent

_FORM = 'write a mapping like {"at": "2026-01-31T12:00:15Z", "stable": {"requests": 1500, "errors": 2}}'


def parse_moment(value: Any) -> float:
    """A time as text (ISO 8601, UTC where it names no zone) or as seconds since the epoch.

    Raises ValueError for anything else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        shown = json.dumps(value)
        raise ValueError(
            f"{shown} is not a time; write it like 2026-01-31T12:00:15Z, or as seconds since 1970"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


Moment = Annotated[float, BeforeValidator(parse_moment)]
Count = Annotated[int, Field(ge=0)]


class Arm(Model):
    """Requests of one arm, and how many of them failed.

    timed: those of which the time is known, all of them where only `within` is written; within: how many of
    these took no longer than so many milliseconds.
    """

    requests: Count
    errors: Count
    timed: Count | None = None
    within: dict[str, Count] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.errors > self.requests:
            raise ValueError(f"{self.errors} errors of {self.requests} requests; write at most as many")
        before = 0
        for edge, count in self.edges.items():
            if count < before:
                raise ValueError(
                    f"{count} requests within {edge} ms, {before} within less; count those of each edge "
                    "below it too, as a histogram of Prometheus does"
                )
            before = count
        if before > self.took:
            raise ValueError(f"{before} requests within an edge, {self.took} timed; write at most as many")
        return self

    @property
    def edges(self) -> dict[int, int]:
        """`within` by the edge in ms, rising. Raises ValueError where one is no whole number."""
        wrong = [edge for edge in self.within if not (edge.isdecimal() and int(edge))]
        if wrong:
            raise ValueError(f"the edge {wrong[0]!r} of within; write it in whole milliseconds, like 250")
        return {int(edge): self.within[edge] for edge in sorted(self.within, key=int)}

    @property
    def took(self) -> int:
        """Requests of which the time is known."""
        if self.timed is None:
            return self.requests if self.within else 0
        return self.timed


class Header(Model):
    """The first line, where it has no `at`.

    cumulative: the counts are those of counters that go on, not those of each interval; weight: the
    canary's share of the requests in all lines that name none; since: when the first interval began.
    """

    cumulative: bool = False
    weight: Percent | None = None
    since: Moment | None = None


class Line(Model):
    """What was read at one moment. An arm that is left out, or null, was not read.

    since: when the interval began, the line before it where it is left out.
    """

    at: Moment
    since: Moment | None = None
    weight: Percent | None = None
    canary: Arm | None = None
    stable: Arm | None = None

    @property
    def arms(self) -> Iterator[Arm]:
        """Those that were read."""
        return (arm for arm in (self.canary, self.stable) if arm)


@dataclass(frozen=True, slots=True)
class Recording:
    """A file without problems."""

    header: Header = field(default_factory=Header)
    lines: tuple[Line, ...] = ()


def read(text: str, name: str) -> tuple[Recording, list[Problem]]:
    """The recording, and everything that is wrong in it; without problems its times rise.

    name: of the file, for its problems.
    """
    problems: list[Problem] = []
    header = Header()
    lines: list[tuple[int, Line]] = []
    for number, value in _values(text, name, problems):
        first = not lines and not problems
        model = Header if first and not value.keys() & {"at", "canary", "stable"} else Line
        found, flaws = read_fields(model, value)
        problems += [_problem(flaw, Place(name, number, 1)) for flaw in flaws]
        match found:
            case Header():
                header = found
            case Line():
                lines.append((number, found))
    problems += [_problem(flaw, Place(name, number, 1)) for number, flaw in _together(header, lines)]
    if not problems:
        problems += [_problem(flaw, Place(name, number, 1)) for number, flaw in _endless(header, lines)]
    problems.sort(key=lambda problem: problem.line)
    return Recording(header, tuple(line for _, line in lines)), problems


def _values(text: str, name: str, problems: list[Problem]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The mapping of each line that has one; a problem for each that has something else."""
    for number, written in enumerate(text.splitlines(), start=1):
        if not written.strip():
            continue
        try:
            value = json.loads(written)
        except json.JSONDecodeError as error:
            place = Place(name, number, error.colno)
            problems.append(Code.NOT_JSON.at(place, f"not JSON: {error.msg.lower()}", _FORM))
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            problems.append(Code.NOT_JSON.at(Place(name, number, 1), "not a mapping", _FORM))


def _endless(header: Header, lines: Sequence[tuple[int, Line]]) -> Iterator[tuple[int, Flaw]]:
    """An interval of which nobody says when it began."""
    if len(lines) == 1 and not header.cumulative and header.since is None and lines[0][1].since is None:
        remedy = "write when its interval began, or counts of more intervals"
        yield lines[0][0], Flaw(Code.MISSING_FIELD, ("since",), "since is missing in the only line", remedy)


def _problem(flaw: Flaw, place: Place) -> Problem:
    return flaw.code.at(place, flaw.text, flaw.remedy)


def _together(header: Header, lines: Sequence[tuple[int, Line]]) -> Iterator[tuple[int, Flaw]]:
    """What is wrong with a line beside the others."""
    last = header.since
    edges: tuple[int, list[int]] | None = None
    for number, line in lines:
        yield from ((number, flaw) for flaw in _times(header, line, last))
        last = line.at if last is None else max(last, line.at)
        for arm in line.arms:
            if not arm.took:
                continue
            edges = edges or (number, list(arm.edges))
            if list(arm.edges) != edges[1]:
                yield number, _other_edges(list(arm.edges), edges[1], edges[0])


def _times(header: Header, line: Line, last: float | None) -> Iterator[Flaw]:
    if last is not None and line.at <= last:
        text = "at is not later than the line before"
        yield Flaw(Code.BAD_VALUE, ("at",), text, "write lines in the order of their times, each once")
    if line.since is None:
        return
    if header.cumulative:
        text = "since beside cumulative counts"
        yield Flaw(Code.BAD_VALUE, ("since",), text, "remove it: these count since the line before")
    elif line.since >= line.at:
        yield Flaw(Code.BAD_VALUE, ("since",), "since is not before at", "write when the interval began")
    elif last is not None and line.since < last:
        text = "since is before the end of the line before"
        yield Flaw(Code.BAD_VALUE, ("since",), text, "write intervals that do not overlap")


def _other_edges(edges: Sequence[int], known: Sequence[int], number: int) -> Flaw:
    text = f"within has the edges {_listed(edges)}, those of line {number} are {_listed(known)}"
    return Flaw(Code.BAD_VALUE, ("within",), text, "count at the same edges in every line")


def _listed(edges: Sequence[int]) -> str:
    return ", ".join(map(str, edges)) or "none"
