"""Metrics that a release is judged by: their terms, and what is asked of each of its versions."""

from __future__ import annotations

from typing import Any

from tests.plan.test_release import go, releasing, status
from tests.plan.world import World

from laneway.analysis.configuration import Kind, Margin, Metric
from laneway.plan.result import Comparison
from laneway.spec.failure_codes import FailureCodes
from laneway.spec.metric_source import PrometheusSource, WebSource


def world(*metrics: Any) -> World:
    """A release that holds 50 % for an hour, judged by these."""
    steps = [{"weight": 50, "hold": "1h", "limit": "2h"}, {"weight": 100}]
    return releasing(steps=steps, judge={"metrics": list(metrics)})


def compared(*metrics: Any) -> Comparison:
    (comparison,) = go(world(*metrics), 1).plan.comparisons
    return comparison


def test_a_metric_of_ones_own_has_the_margins_of_errors_unless_it_says_otherwise() -> None:
    web = {"name": "declined", "web": {"url": "http://a/$revision"}}
    (found,) = compared(web).terms.metrics
    assert found == Metric("declined", source="its URL")
    (found,) = compared(web | {"tolerate": {"ratio": 1.5, "plus": "1%"}, "warmUp": "30s"}).terms.metrics
    assert (found.tolerate, found.warm_up) == (Margin(1.5, 0.01), 30.0)


def test_a_gauge_has_its_block_and_its_direction() -> None:
    gauge = {"name": "hits", "prometheus": {"gauge": "a{r='$revision'}"}}
    (found,) = compared(gauge | {"falls": True, "block": "1m"}).terms.metrics
    assert (found.kind, found.falls, found.block, found.source) == (Kind.GAUGE, True, 60.0, "its Prometheus")
    (found,) = compared(gauge).terms.metrics
    assert (found.falls, found.block) == (False, 180.0)


def test_each_version_is_asked_about_by_its_revision() -> None:
    """And what is counted from requests is not asked for."""
    metrics: list[dict[str, Any]] = [
        {"name": "errors"},
        {"name": "declined", "web": {"url": "http://a/$namespace/$app/$revision"}},
        {"name": "queue", "prometheus": {"gauge": "a{h='$host',r='$revision'}"}},
    ]
    found = world(*metrics)
    (comparison,) = go(found, 1).plan.comparisons
    release = found.releases()[-1]
    new, old = release.spec.apps[0].revision, status(found).stable
    host = "pharmacy.shop.svc.cluster.local"
    assert [(each.metric, each.canary, each.stable) for each in comparison.asked] == [
        (
            "declined",
            WebSource(url=f"http://a/shop/pharmacy/{new}"),
            WebSource(url=f"http://a/shop/pharmacy/{old}"),
        ),
        (
            "queue",
            PrometheusSource(gauge=f"a{{h='{host}',r='{new}'}}"),
            PrometheusSource(gauge=f"a{{h='{host}',r='{old}'}}"),
        ),
    ]


def test_the_codes_of_errors_are_told_to_who_counts() -> None:
    """And to who compares, for counts by other codes are others."""
    plan = go(world({"name": "errors", "codes": {"http": [429]}}), 1).plan
    codes = FailureCodes(http=("429",))
    assert {watch.codes for watch in plan.watches} == {codes}
    assert [comparison.codes for comparison in plan.comparisons] == [codes]
    assert {watch.codes for watch in go(world({"name": "errors"}), 1).plan.watches} == {None}
