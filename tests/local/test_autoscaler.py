"""The autoscaler on a real store: what it writes and says. The clock and the readings are the test's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.local.cluster import FillableStore
from tests.local.samples import START, changed, pod

from laneway.autoscale.measured import NoMetricError
from laneway.local.measure.autoscaler import Autoscaler
from laneway.local.measure.usage import Meter, Use
from laneway.local.pod.pods import Pod, Stage
from laneway.local.process.markers import Identity, Part
from laneway.local.store import Body
from laneway.spec.meta import Key

WEB = Key("shop", "web")
SYNC = timedelta(seconds=15)
QUEUE = {
    "type": "External",
    "external": {
        "metric": {"name": "queue", "selector": {"matchLabels": {"team": "a"}}},
        "target": {"type": "AverageValue", "averageValue": "10"},
    },
}
REQUESTS = {
    "type": "Pods",
    "pods": {
        "metric": {"name": "requests_per_second"},
        "target": {"type": "AverageValue", "averageValue": "10"},
    },
}
LENGTH = {
    "type": "Object",
    "object": {
        "describedObject": {"kind": "Service", "name": "checkout"},
        "metric": {"name": "queue"},
        "target": {"type": "Value", "value": "5"},
    },
}
CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
}


class Told(Meter):
    """A meter that says what the test tells it, of every pod it is asked about."""

    use = Use(START, SYNC, None, None, None)

    async def read(self, pods: Sequence[Pod]) -> Mapping[Key, Use]:
        """The same for each pod, measured now."""
        return {pod.key: replace(self.use, at=self.now()) for pod in pods}


@dataclass
class Running:
    """What a test works with. asked: URLs and queries of metrics from outside; answer: to the next ones."""

    store: FillableStore
    now: datetime = START
    pods: list[Pod] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    answer: int | NoMetricError = 0

    def __post_init__(self) -> None:
        self.meter = Told(lambda _: pytest.fail("no sidecar is asked"), lambda: self.now)
        self.autoscaler = self.fresh()

    def fresh(self) -> Autoscaler:
        """One that remembers nothing."""
        return Autoscaler(self.store, self.meter, lambda _: self.pods, self.read, lambda: self.now)

    async def read(self, url: str, query: Mapping[str, str]) -> int:
        """The answer that the test gives."""
        self.asked.append((url, query))
        if isinstance(self.answer, NoMetricError):
            raise self.answer
        return self.answer

    def uses(self, **measured: int) -> None:
        """From now on, every pod uses this."""
        self.meter.use = Use(START, SYNC, **({"cpu": None, "memory": None, "requests": None} | measured))

    async def sync(self, passed: timedelta = SYNC) -> None:
        """Let a period pass, and the autoscaler decide."""
        self.now += passed
        await self.autoscaler.sync()

    @property
    def replicas(self) -> int:
        """That the Deployment asks for."""
        found = self.store.get("Deployment", WEB)
        assert found is not None
        return int(found["spec"]["replicas"])

    @property
    def status(self) -> Body:
        """The autoscaler's."""
        found = self.store.get("HorizontalPodAutoscaler", WEB)
        assert found is not None
        status: Body = found["status"]
        return status

    def reason(self, condition: str) -> tuple[str, str]:
        """Status and reason of a condition."""
        found = next(each for each in self.status["conditions"] if each["type"] == condition)
        return found["status"], found["reason"]

    def happened(self, change: str) -> list[tuple[str, str]]:
        """Reason and author of the events of this change."""
        return [(each.reason, each.by) for each in self.store.events() if each.change == change]


def obj(kind: str, name: str, spec: Any) -> Body:
    """An object of namespace shop."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def ready(count: int, **fields: Any) -> list[Pod]:
    """Pods of web that are ready since long before the test."""
    usual: dict[str, Any] = {"stage": Stage.READY, "created": START - timedelta(hours=1)}
    processes = {Part.APP: Identity(1, 1, "boot")}
    return [changed(pod(f"p{i}"), processes=processes, **(usual | fields)) for i in range(count)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    store = FillableStore(tmp_path / "laneway.db", lambda: START)
    store.put(obj("Deployment", "web", {"replicas": 2, "template": {}}), "applied", "ann")
    store.put(obj("Mesh", "default", {"metrics": {"queue": "http://127.0.0.1:1/queue"}}), "applied", "ann")
    there = Running(store, pods=ready(2))
    yield there
    store.close()


def follows(running: Running, *metrics: Body, **spec: Any) -> None:
    """There is an autoscaler from 1 to 8 pods that goes by these metrics."""
    reference = {"kind": "Deployment", "name": "web"}
    body = obj("HorizontalPodAutoscaler", "web", {"scaleTargetRef": reference, "maxReplicas": 8} | spec)
    body["apiVersion"] = "autoscaling/v2"
    body["spec"]["metrics"] = list(metrics)
    running.store.put(body, "applied", "ann")


async def test_more_requests_than_meant_bring_more_pods(running: Running) -> None:
    """And the history says why, and who."""
    follows(running, REQUESTS)
    running.uses(requests=19_000)
    await running.sync()
    assert running.replicas == 4
    assert ("2 → 4 pods: pods metric requests_per_second above target", "autoscaler") in running.happened(
        "configured"
    )
    assert running.status["currentMetrics"] == [
        {
            "type": "Pods",
            "pods": {"metric": {"name": "requests_per_second"}, "current": {"averageValue": "19"}},
        }
    ]
    assert (running.status["currentReplicas"], running.status["desiredReplicas"]) == (2, 4)
    assert running.reason("AbleToScale") == ("True", "SucceededRescale")


async def test_when_the_window_is_over_pods_go(running: Running) -> None:
    """Not before, and a restarted autoscaler waits for a window of its own."""
    follows(running, REQUESTS)
    running.uses(requests=1_000)
    await running.sync()
    assert running.replicas == 2
    assert running.reason("AbleToScale") == ("True", "ScaleDownStabilized")
    running.autoscaler = running.fresh()
    await running.sync(timedelta(minutes=4))
    await running.sync(timedelta(minutes=4))
    assert running.replicas == 2
    await running.sync(timedelta(minutes=2))
    assert running.replicas == 1


async def test_cpu_is_measured_against_the_request_of_the_container(running: Running) -> None:
    """100 % of it, where 50 % was meant."""
    container = running.pods[0].container.model_validate(
        {"name": "main", "resources": {"requests": {"cpu": "200m"}}}
    )
    running.pods = [replace(each, container=container) for each in running.pods]
    follows(running, CPU)
    running.uses(cpu=200)
    await running.sync()
    assert running.replicas == 4
    assert running.status["currentMetrics"][0]["resource"]["current"]["averageUtilization"] == 100


async def test_a_pod_that_has_just_become_ready_does_not_speak_of_its_start(running: Running) -> None:
    """Its CPU counts when a whole window of it was measured after that."""
    container = running.pods[0].container.model_validate(
        {"name": "main", "resources": {"requests": {"cpu": "200m"}}}
    )
    running.pods = [replace(p, container=container) for p in ready(2, created=START, stage=Stage.NOT_READY)]
    follows(running, CPU)
    running.uses(cpu=2_000)
    await running.sync()
    running.pods = [replace(each, stage=Stage.READY) for each in running.pods]
    await running.sync()
    assert running.replicas == 2
    assert running.reason("ScalingActive") == ("False", "FailedGetResourceMetric")
    await running.sync()
    assert running.replicas == 4


async def test_a_metric_from_outside_is_asked_of_the_mesh_s_url(running: Running) -> None:
    """With its selector, or the object that it describes."""
    follows(running, QUEUE, LENGTH)
    running.answer = 12_000
    await running.sync()
    asked = {"metric": "queue", "namespace": "shop"}
    assert running.asked == [
        ("http://127.0.0.1:1/queue", asked | {"labelSelector": "team=a"}),
        ("http://127.0.0.1:1/queue", asked | {"object": "Service/checkout"}),
    ]
    assert running.replicas == 4  # 12 of 5 for each of 2, no faster than to 4


async def test_a_metric_that_cannot_be_had_is_said_once(running: Running) -> None:
    """In the conditions for as long as it lasts, in the history when it begins."""
    follows(running, QUEUE)
    running.answer = NoMetricError("no answer")
    await running.sync()
    await running.sync()
    assert running.reason("ScalingActive") == ("False", "FailedGetExternalMetric")
    assert running.happened("no metric") == [("FailedGetExternalMetric", "autoscaler")]
    assert running.replicas == 2


async def test_where_the_deployment_is_gone_its_autoscaler_says_so(running: Running) -> None:
    """It begins again when there is one."""
    follows(running, REQUESTS)
    running.store.delete("Deployment", WEB, "deleted", "ann")
    await running.sync()
    assert running.reason("AbleToScale") == ("False", "FailedGetScale")


async def test_a_deployment_that_is_parked_stays_so(running: Running) -> None:
    """0 pods mean that nobody shall scale it."""
    follows(running, REQUESTS, minReplicas=2)
    running.store.put(obj("Deployment", "web", {"replicas": 0, "template": {}}), "parked", "ann")
    await running.sync()
    assert running.replicas == 0
    assert running.reason("ScalingActive") == ("False", "ScalingDisabled")


async def test_what_changed_while_a_metric_was_read_is_not_overwritten(running: Running) -> None:
    """A plan has set other bounds and another size meanwhile: it decides at the next sync."""
    follows(running, QUEUE)

    async def slow(url: str, query: Mapping[str, str]) -> int:
        follows(running, QUEUE, maxReplicas=3)
        running.store.put(obj("Deployment", "web", {"replicas": 1, "template": {}}), "planned", "laneway")
        return 90_000

    running.autoscaler = Autoscaler(
        running.store, running.meter, lambda _: running.pods, slow, lambda: running.now
    )
    await running.sync()
    assert running.replicas == 1
    running.autoscaler = running.fresh()
    running.answer = 90_000
    await running.sync()
    assert running.replicas == 3


async def test_transitions_have_the_time_of_the_change(running: Running) -> None:
    """Not that of each look."""
    follows(running, REQUESTS)
    running.uses(requests=10_000)
    await running.sync()
    first = running.status["conditions"]
    await running.sync()
    assert running.status["conditions"] == first
    assert {each["lastTransitionTime"] for each in first} == {"2026-01-01T00:00:15Z"}
