"""Recordings: what a file of counts may say, and what is wrong in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laneway.spec.recording import Header, Line, parse_moment, read

NOON = 1769860800.0
"""2026-01-31T12:00:00Z."""
ARM = {"requests": 100, "errors": 1}


def text(*lines: dict[str, Any] | str) -> str:
    """A file of these lines."""
    return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)


def problems(*lines: dict[str, Any] | str) -> list[tuple[int, str, str]]:
    """What is wrong: line, code, and text with remedy."""
    return [
        (each.line, each.code.id, f"{each.text}; {each.remedy}") for each in read(text(*lines), "a.jsonl")[1]
    ]


def test_a_file_has_a_header_and_lines() -> None:
    """Blank lines aside; times are text or numbers."""
    header = {"cumulative": True, "weight": 20}
    first = {"at": "2026-01-31T12:00:00Z", "stable": {**ARM, "within": {"250": 90, "100": 60}}}
    found, wrong = read(text(header, first, "", {"at": NOON + 15, "canary": ARM}), "a.jsonl")
    assert not wrong
    assert found.header == Header(cumulative=True, weight=20)
    assert [line.at for line in found.lines] == [NOON, NOON + 15]
    arm = found.lines[0].stable
    assert arm is not None
    assert (list(arm.edges.items()), arm.took) == ([(100, 60), (250, 90)], 100)
    assert found.lines[1].stable is None


def test_a_header_may_be_left_out() -> None:
    """Then counts are those of each interval."""
    found, wrong = read(text(Line(at=NOON, since=NOON - 15).written()), "a.jsonl")
    assert (wrong, found.header) == ([], Header())


@pytest.mark.parametrize(
    "written", [NOON, 1769860800, "2026-01-31T12:00:00Z", "2026-01-31T12:00", "2026-01-31T13:00+01:00"]
)
def test_a_time_is_of_a_zone_or_utc(written: Any) -> None:
    """Or seconds since 1970."""
    assert parse_moment(written) == NOON


def test_everything_wrong_is_told_with_its_line_and_what_to_write() -> None:
    """Not only the first."""
    found = problems(
        {"at": NOON, "stable": ARM},
        '{"at": 1,',
        "[]",
        {"at": NOON + 15, "stable": {"requests": 100}},
        {"at": NOON + 30, "stabel": ARM},
        {"at": NOON + 45, "stable": {"requests": 1, "errors": 2}},
        {"at": "noon", "stable": ARM},
        {"at": NOON + 75, "stable": {"requests": -1, "errors": 0}},
    )
    assert [each[:2] for each in found] == [
        (2, "LW630"), (3, "LW630"), (4, "LW205"), (5, "LW201"), (6, "LW206"), (7, "LW206"), (8, "LW206"),
    ]  # fmt: skip
    assert "not a mapping; write a mapping like" in found[1][2]
    assert found[2][2] == "stable.errors is missing; add it"
    assert "did you mean stable?" in found[3][2]
    assert found[4][2] == "stable: 2 errors of 1 requests; write at most as many"
    assert 'at: "noon" is not a time; write it like 2026-01-31T12:00:15Z' in found[5][2]


@pytest.mark.parametrize(
    ("within", "said"),
    [
        (
            {"100": 5, "250": 3},
            "3 requests within 250 ms, 5 within less; count those of each edge below it too",
        ),
        ({"100": 5, "fast": 3}, "the edge 'fast' of within; write it in whole milliseconds"),
        ({"100": 500}, "500 requests within an edge, 100 timed; write at most as many"),
    ],
)
def test_latencies_are_counted_as_a_histogram_does(within: dict[str, int], said: str) -> None:
    """Each edge with all that were faster."""
    ((line, code, told),) = problems({"at": NOON, "since": 0, "stable": {**ARM, "within": within}})
    assert (line, code) == (1, "LW206")
    assert said in told


def test_edges_are_the_same_in_all_lines() -> None:
    """Else a request would be slow in one and not in the other. An arm without requests has none."""
    one, other = ({**ARM, "within": {edge: 100}} for edge in ("100", "250"))
    idle = {"requests": 0, "errors": 0}
    found = problems({"at": 15, "stable": one, "canary": idle}, {"at": 30, "stable": other})
    assert found == [
        (
            2,
            "LW206",
            "within has the edges 250, those of line 1 are 100; count at the same edges in every line",
        )
    ]


def test_times_rise_and_intervals_do_not_overlap() -> None:
    """Each moment is counted once."""
    found = problems(
        {"since": 0},
        {"at": 15, "stable": ARM},
        {"at": 15, "stable": ARM},
        {"at": 45, "since": 10, "stable": ARM},
        {"at": 60, "since": 60, "stable": ARM},
    )
    assert [line for line, *_ in found] == [3, 4, 5]


def test_counters_have_no_beginning_of_an_interval() -> None:
    """They count since the line before."""
    ((line, _, told),) = problems({"cumulative": True}, {"at": 15, "since": 0, "stable": ARM})
    assert line == 2
    assert told == "since beside cumulative counts; remove it: these count since the line before"


def test_a_single_line_says_how_long_it_is() -> None:
    """No other can."""
    assert problems({"at": 15, "stable": ARM})[0][:2] == (1, "LW205")
    assert not problems({"since": 0}, {"at": 15, "stable": ARM})
