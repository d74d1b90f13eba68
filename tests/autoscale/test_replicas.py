"""How many pods one metric asks for: the cases of Kubernetes' own tests, and what holds for all of them.

Source of the vectors: Kubernetes 1.36, pkg/controller/podautoscaler/replica_calculator_test.go.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.autoscale.samples import HOUR_AGO, NOW, cpu, measured, pods, queue, requests, samples

from laneway.autoscale.measured import Measured, NoMetricError, PerPod, Pod, Reading
from laneway.autoscale.replicas import Proposal, Tolerance, propose
from laneway.spec.autoscaling import MetricSpec

UNREADY: dict[str, Any] = {"ready": False, "ready_since": NOW, "started": NOW - timedelta(minutes=1)}
JUST_READY: dict[str, Any] = {
    "ready_since": NOW - timedelta(seconds=5),
    "started": NOW - timedelta(minutes=1),
}


def proposal(metric: MetricSpec, now: Measured, tolerance: Tolerance = Tolerance()) -> Proposal:  # noqa: B008
    """What the one metric of a target asks for."""
    return propose(metric, now.readings[0], now, tolerance, NOW)


def replicas(metric: MetricSpec, now: Measured, tolerance: Tolerance = Tolerance()) -> int:  # noqa: B008
    """How many pods that is."""
    return proposal(metric, now, tolerance).replicas


@pytest.mark.parametrize(
    ("metric", "reading", "count", "expected"),
    [
        (cpu(30), samples(300, 500, 700), 3, 5),
        (cpu(50), samples(100, 300, 500, 250, 250), 5, 3),
        (cpu(100), samples(1010, 1030, 1020), 3, 3),
        (cpu(average="500m"), samples(550, 550), 2, 2),
        (cpu(average="500m"), samples(600, 600), 2, 3),
        (requests("15"), samples(20_000, 10_000, 30_000), 3, 4),
        (requests("20"), samples(12_000, 12_000, 12_000, 12_000, 12_000), 5, 3),
        (queue(value="5400m"), 8_600, 3, 5),
        (queue(averageValue="2150m"), 8_600, 3, 4),
        (queue(averageValue="2867m"), 8_600, 5, 3),
        (queue(averageValue="2867m"), 8_600, 3, 3),
    ],
)
def test_pods_follow_the_ratio_of_actual_to_target(
    metric: MetricSpec, reading: Reading, count: int, expected: int
) -> None:
    """Rounded up; a tenth off is near enough."""
    assert replicas(metric, measured(count, reading)) == expected


@pytest.mark.parametrize(
    ("present", "reading", "expected"),
    [
        ((*pods(2), *pods(1, 2, **UNREADY)), samples(500, 700, 0), 4),
        ((*pods(1), *pods(2, 1, **UNREADY)), samples(400, 500, 700), 3),
        ((*pods(3, 0, ready=False, ready_since=NOW - timedelta(minutes=3)),), samples(400, 500, 700), 6),
        ((*pods(2), *pods(1, 2, **JUST_READY)), samples(500, 700, 5_000), 4),
        ((*pods(2), *pods(1, 2, pending=True)), samples(500, 700), 4),
        ((*pods(2), *pods(1, 2)), samples(500, 700), 4),
        ((*pods(2), *pods(1, 2, leaving=True)), samples(500, 700), 4),
    ],
    ids=["hot start", "direction kept", "once ready", "window not over", "pending", "missing", "leaving"],
)
def test_pods_of_which_little_is_known_damp_a_rise(
    present: tuple[Pod, ...], reading: PerPod, expected: int
) -> None:
    """Those that start or say nothing count as idle; those that leave do not count at all."""
    assert replicas(cpu(30), Measured(3, present, (reading,))) == expected


@pytest.mark.parametrize("fields", [UNREADY, {"pending": True}, {}])
def test_pods_that_are_on_their_way_may_be_enough(fields: dict[str, Any]) -> None:
    """Two pods do twice what they should: with two more, all of them do what they should, nearly."""
    present = (*pods(2), *pods(2, 2, **fields))
    reading = samples(655, 655, 999, 999) if fields else samples(655, 655)
    assert replicas(cpu(30), Measured(4, present, (reading,))) == 4
    assert replicas(cpu(30), Measured(2, pods(2), (samples(655, 655),))) == 5


def test_a_pod_that_says_nothing_damps_a_fall() -> None:
    """It counts as using all that it requests, and a fall never becomes a rise by it."""
    assert replicas(cpu(50), Measured(4, pods(4), (samples(100, 100, 100),))) == 3
    assert replicas(cpu(50), Measured(2, pods(2), (samples(100),))) == 2
    assert replicas(requests("10"), Measured(4, pods(4), (samples(2_000, 2_000, 2_000),))) == 2


def test_memory_of_a_pod_that_starts_counts() -> None:
    """Only CPU is another while a program starts."""
    target = {"type": "AverageValue", "averageValue": "100"}
    metric = MetricSpec.model_validate({"type": "Resource", "resource": {"name": "memory", "target": target}})
    assert replicas(metric, Measured(1, pods(1, **UNREADY), (samples(300_000),))) == 3


@pytest.mark.parametrize(
    ("metric", "now", "text"),
    [
        (cpu(50), Measured(1, pods(1), (NoMetricError("no answer"),)), "no answer"),
        (cpu(50), Measured(1, pods(1), ({},)), "did not receive metrics for targeted pods"),
        (cpu(50), Measured(1, pods(1, pending=True), ({},)), "did not receive metrics for targeted pods"),
        (cpu(50), Measured(1, pods(1, requests={}), (samples(1),)), "missing request for cpu in pod p0"),
        (requests("5"), Measured(1, (), ({},)), "no pods returned by selector"),
        (queue(value="5"), Measured(1, (), (100_000,)), "no pods returned by selector"),
    ],
)
def test_a_metric_that_cannot_be_had_says_why(metric: MetricSpec, now: Measured, text: str) -> None:
    """The text is what people read in the conditions."""
    with pytest.raises(NoMetricError, match=text):
        proposal(metric, now)


def test_the_status_has_what_was_measured() -> None:
    """As `kubectl get hpa` shows it."""
    assert proposal(cpu(30), measured(2, samples(300, 500))).current == {
        "averageUtilization": 40,
        "averageValue": Decimal("0.4"),
    }


def test_tolerance_may_differ_up_and_down() -> None:
    """A field since Kubernetes 1.33."""
    wide = Tolerance(up=0.5, down=0.0)
    assert replicas(cpu(50), measured(4, samples(*[700] * 4)), wide) == 4
    assert replicas(cpu(50), measured(4, samples(*[490] * 4)), wide) == 4
    assert replicas(cpu(50), measured(4, samples(*[370] * 4)), wide) == 3


def some_pods(count: int) -> some.SearchStrategy[tuple[Pod, ...]]:
    """Pods in any condition."""
    moments = some.sampled_from([NOW, NOW - timedelta(seconds=20), NOW - timedelta(minutes=2), HOUR_AGO])
    one = some.builds(
        lambda start, ready, since, leaving, pending: pods(
            1, started=start, ready=ready, ready_since=max(start, since), leaving=leaving, pending=pending
        )[0],
        moments,
        some.booleans(),
        moments,
        some.booleans(),
        some.booleans(),
    )
    named = some.tuples(*[one] * count)
    return named.map(lambda each: tuple(pods(1, i, **_fields(pod))[0] for i, pod in enumerate(each)))


def _fields(pod: Pod) -> dict[str, Any]:
    return {n: getattr(pod, n) for n in ("started", "ready", "ready_since", "leaving", "pending")}


@given(some_pods(6), some.lists(some.integers(0, 3_000), min_size=6, max_size=6), some.integers(1, 150))
def test_what_is_not_known_only_damps(present: tuple[Pod, ...], used: list[int], percent: int) -> None:
    """With pods starting or silent the answer lies between what there is and what the known ones ask for.

    So it never turns round: where the known pods ask for more, it is no fewer than there are.
    """
    known = tuple(p for p in present if not p.leaving)
    now = Measured(len(known), present, (samples(*used),))
    silent = Measured(len(known), present, (dict(list(samples(*used).items())[::2]),))
    for each in (now, silent):
        reading = each.readings[0]
        assert isinstance(reading, dict)
        try:
            found = proposal(cpu(percent), each)
        except NoMetricError:
            continue
        utilization = found.current["averageUtilization"]
        if utilization > percent:
            assert found.replicas >= min(len(known), 1)
            assert found.replicas >= len(known) or not _all_count(known, reading)
        if utilization < percent:
            assert found.replicas <= len(known)


def _all_count(present: tuple[Pod, ...], reading: PerPod) -> bool:
    return all(pod.name in reading and not pod.pending and pod.ready for pod in present)
