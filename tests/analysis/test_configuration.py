"""Terms of a judge: defaults, and what makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from laneway.analysis.configuration import DEFAULT_EDGES_MS, Configuration, Kind, Margin, Metric
from laneway.spec.values import LATENCY_EDGES_MS


def test_the_defaults_are_those_that_are_documented() -> None:
    """1 % and 5 %; errors beyond 1.1 times + 0.05 % are worse, within 1.25 times + 0.25 % acceptable."""
    found = Configuration()
    assert (found.false_rollback, found.false_promote) == (0.01, 0.05)
    errors, latency = found.metrics
    assert (errors.tolerate, errors.refuse) == (Margin(1.1, 0.0005), Margin(1.25, 0.0025))
    assert (errors.warm_up, latency.warm_up) == (0.0, 60.0)


def test_default_edges_are_counted_by_our_proxies() -> None:
    """So that nothing has to be interpolated."""
    assert set(DEFAULT_EDGES_MS) <= set(LATENCY_EDGES_MS)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"tolerate": Margin(1.5)}, "what is refused may not be less than what is tolerated"),
        ({"phi": 0.5}, "phi at least 1"),
        ({"share": 0.0}, "share is above 0"),
        ({"kind": Kind.LATENCY}, "it needs some"),
        ({"edges_ms": (5,)}, "edges are a latency metric's"),
    ],
)
def test_a_metric_that_makes_no_sense_is_refused(fields: dict[str, Any], text: str) -> None:
    """Before anything is judged by it."""
    with pytest.raises(ValueError, match=text):
        Metric("errors", **fields)


@pytest.mark.parametrize(("ratio", "plus"), [(0.0, 0.0), (-1.0, 0.0), (1.0, -0.1), (1.0, 1.0)])
def test_a_margin_that_makes_no_sense_is_refused(ratio: float, plus: float) -> None:
    """A ratio above 0, a share below 1."""
    with pytest.raises(ValueError, match="a margin needs"):
        Margin(ratio, plus)


@pytest.mark.parametrize(
    "fields",
    [
        {"metrics": ()},
        {"metrics": (Metric("a"), Metric("a"))},
        {"false_rollback": 0.0},
        {"false_promote": 1.0},
    ],
)
def test_a_judge_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    """Metrics of different names, rates between 0 and 1."""
    with pytest.raises(ValueError, match=r"a judge needs metrics|error rates lie"):
        Configuration(**fields)
