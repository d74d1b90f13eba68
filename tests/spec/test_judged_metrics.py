"""Metrics that an App is judged by: what is wrong with them, all at once, and what is asked of a version."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laneway.spec.check import check
from laneway.spec.failure_codes import FailureCodes
from laneway.spec.load import Source, load
from laneway.spec.metric_source import WORDS, PrometheusSource, WebSource, filled

APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: pharmacy}
spec:
  selector: {matchLabels: {app: pharmacy}}
  template:
    metadata: {labels: {app: pharmacy}}
    spec: {containers: [{name: pharmacy, image: pharmacy, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: laneway.dev/v1alpha1
kind: App
metadata: {name: pharmacy}
spec:
  workload: {deployment: pharmacy}
  service: {ports: [{port: 80, targetPort: http}]}
  release: {judge: {metrics: %s}}
"""
WEB = {"url": "http://stats.shop/$revision"}
GAUGE = {"gauge": "avg(queue{revision='$revision'})"}
COUNTS = {"bad": "a{revision='$revision'}", "of": "b{revision='$revision'}"}


def found(*metrics: Any) -> list[str]:
    """Codes and texts of all that is wrong."""
    return [
        f"{problem.code.id}: {problem.text}"
        for problem in check(load([Source("a.yaml", APP % json.dumps(metrics))]))
    ]


@pytest.mark.parametrize(
    "metric",
    [
        {"name": "declined", "web": WEB},
        {"name": "declined", "prometheus": COUNTS, "tolerate": {"ratio": 1.2, "plus": "1%"}},
        {"name": "queue", "prometheus": GAUGE | {"url": "https://prometheus.example/a"}, "falls": True},
        {"name": "queue", "web": WEB | {"gauge": True}, "block": "10s", "refuse": {"ratio": 2}},
        {"name": "errors", "codes": {"http": ["5xx", 429, "418"], "grpc": ["RESOURCE_EXHAUSTED"]}},
        {"name": "errors", "codes": {"http": []}},
    ],
)
def test_what_is_right(metric: Any) -> None:
    assert found(metric) == []


@pytest.mark.parametrize(
    ("metric", "problem"),
    [
        ({"name": "queue"}, "LW232: metric queue has neither of `prometheus` and `web`"),
        (
            {"name": "queue", "web": WEB, "prometheus": GAUGE},
            "LW232: metric queue has both of `prometheus` and `web`",
        ),
        ({"name": "errors", "web": WEB}, "LW232: errors has a source, and is counted from requests"),
        (
            {"name": "queue", "prometheus": {"bad": COUNTS["bad"]}},
            "LW232: metric queue asks for bad",
        ),
        ({"name": "queue", "prometheus": {}}, "LW232: metric queue asks for nothing"),
        (
            {"name": "queue", "prometheus": COUNTS | GAUGE},
            "LW232: metric queue asks for bad and gauge and of",
        ),
        (
            {"name": "queue", "prometheus": COUNTS | {"of": "up"}},
            "LW233: `of` of metric queue asks the same of both versions",
        ),
        ({"name": "queue", "web": {"url": "http://a/$revision/$pod"}}, "LW233: nothing stands for $pod"),
        (
            {"name": "latency", "codes": {"http": [429]}},
            "LW234: metric latency has `codes`, which say what errors are",
        ),
        (
            {"name": "queue", "web": WEB, "falls": True},
            "LW234: metric queue counts, and has `falls` of a gauge",
        ),
        ({"name": "errors", "block": "1m"}, "LW234: metric errors counts, and has `block` of a gauge"),
        (
            {"name": "queue", "prometheus": GAUGE, "block": "1s"},
            "LW234: a block of 1s has not even two readings",
        ),
        (
            {"name": "queue", "prometheus": GAUGE, "tolerate": {"plus": "1%"}},
            "LW234: metric queue is a gauge, and `plus` adds percent of requests",
        ),
    ],
)
def test_what_is_wrong(metric: Any, problem: str) -> None:
    assert found(metric) == [problem]


def test_all_of_it_is_told_at_once() -> None:
    problems = found(
        {"name": "queue"}, {"name": "errors", "web": WEB}, {"name": "a", "web": WEB, "block": "1m"}
    )
    assert [problem[:5] for problem in problems] == ["LW232", "LW232", "LW234"]


@pytest.mark.parametrize("code", [600, 42, "6xx", "50x", True, 4.5])
def test_what_is_no_code(code: Any) -> None:
    (problem,) = found({"name": "errors", "codes": {"http": [code]}})
    assert "is no code of HTTP" in problem


def test_a_question_is_filled_in_for_a_version() -> None:
    """What else has a dollar is a query's own."""
    words = dict(zip(WORDS, ("1a2b", "pharmacy", "shop", "pharmacy.shop.svc.cluster.local"), strict=True))
    source = PrometheusSource(gauge="x{r='$revision',a=~'$app.*|b$',n='$namespace',h='$host'} $1")
    assert filled(source, words).questions == {
        "gauge": "x{r='1a2b',a=~'pharmacy.*|b$',n='shop',h='pharmacy.shop.svc.cluster.local'} $1"
    }
    web = filled(WebSource(url="http://a/$app-$revision", gauge=True), words)
    assert web == WebSource(url="http://a/pharmacy-1a2b", gauge=True)


def test_codes_are_told_by_class_and_by_number() -> None:
    codes = FailureCodes.model_validate({"http": ["5xx", 429], "grpc": ["RESOURCE_EXHAUSTED"]})
    assert [code for code in (200, 404, 429, 500, 599) if codes.has_code(code)] == [429, 500, 599]
    assert [status for status in range(17) if codes.has_status(status)] == [8]
    assert [status for status in range(17) if FailureCodes().has_status(status)] == [2, 4, 12, 13, 14, 15]


def ramped(policy: dict[str, Any]) -> list[str]:
    """What is wrong with a policy of releases."""
    text = APP[: APP.index("  release: ")] + "  release: " + json.dumps(policy)
    return [f"{problem.code.id}: {problem.text}" for problem in check(load([Source("a.yaml", text)]))]


def test_a_ramp_follows_a_judge_of_errors_in_place_of_steps() -> None:
    """All that is wrong is told at once."""
    judge = {"metrics": [{"name": "errors"}]}
    assert ramped({"ramp": {"budget": "0.05%", "from": "1%", "to": "50%"}, "judge": judge}) == []
    assert ramped({"ramp": {}, "judge": judge}) == []
    wrong = {"ramp": {"from": "60%"}, "steps": [{"weight": 50}, {"weight": 100}]}
    assert ramped(wrong) == [
        "LW235: `ramp` beside `steps`",
        "LW235: nobody judges errors, whose bound the weight follows",
        "LW235: from 60 % is above to 50 %",
    ]
