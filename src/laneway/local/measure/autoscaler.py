"""The autoscaler of one machine: measures, lets `autoscale` decide, writes what it decided and why.

Acts on every HorizontalPodAutoscaler, those of Apps' versions and those of plain Deployments. Must not know
weights or releases: these stand in the bounds that it is given.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError

from laneway.autoscale import measured
from laneway.autoscale.decide import Decision, decide
from laneway.autoscale.measured import Measured, NoMetricError, Reading, Sample
from laneway.autoscale.pace import Memory
from laneway.autoscale.replicas import milli
from laneway.history.subject import event_about
from laneway.local.measure.autoscaler_status import out_of_reach, status_after
from laneway.local.measure.usage import Meter, Use
from laneway.local.pod.pods import Pod, Stage
from laneway.local.process.markers import Part
from laneway.local.store import Body, Store
from laneway.spec.autoscaling import (
    ExternalMetric,
    HorizontalPodAutoscaler,
    MetricIdentifier,
    MetricSpec,
    ObjectMetric,
)
from laneway.spec.load import parse
from laneway.spec.meta import Key, key_of

SYNC = timedelta(seconds=15)
"""From one decision to the next; Kubernetes' default of --horizontal-pod-autoscaler-sync-period."""
AUTOSCALER = "autoscaler"
"""Who the history names for it."""

ReadMetric = Callable[[str, Mapping[str, str]], Awaitable[int]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Target:
    """An autoscaler, the Deployment that it scales, and the pods of that."""

    body: Body
    scaler: HorizontalPodAutoscaler
    deployment: Body
    pods: tuple[Pod, ...]


class Autoscaler:
    """Decides for every autoscaler, once for each call of `sync`.

    pods: of a Deployment; templates: whether a Deployment is an App's template, which nobody runs; read: a
    metric from outside, as `metric_url.read_metric` does.
    """

    def __init__(
        self,
        store: Store,
        meter: Meter,
        pods: Callable[[Key], Sequence[Pod]],
        read: ReadMetric,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._meter = meter
        self._pods = pods
        self._read = read
        self._now = now
        self._memories: dict[str, Memory] = {}
        self._ready: dict[Key, tuple[bool, datetime]] = {}

    async def run(self, every: timedelta) -> None:
        """Decide again and again, until cancelled."""
        while True:
            await asyncio.sleep(every.total_seconds())
            try:
                await self.sync()
            except DBAPIError as error:
                log.error("what the autoscaler decided could not be written: %s", error.orig)

    async def sync(self) -> None:
        """Measure once, and decide for each autoscaler."""
        bodies = self._store.list("HorizontalPodAutoscaler")
        self._memories = {uid: m for uid, m in self._memories.items() if uid in set(map(_uid, bodies))}
        targets = [target for body in bodies if (target := self._target(body))]
        pods = {pod.key: pod for target in targets for pod in target.pods}
        uses = await self._meter.read(list(pods.values()))
        self._note_readiness(pods.values())
        for target in targets:
            readings = [await self._reading(m, target, uses) for m in target.scaler.spec.followed]
            self._decide(target, readings)

    def _target(self, body: Body) -> _Target | None:
        """What an autoscaler scales; None, and a word in its status, where that is not there."""
        scaler = parse(body)
        assert isinstance(scaler, HorizontalPodAutoscaler)
        key = Key(scaler.metadata.namespace, scaler.spec.scale_target_ref.name)
        deployment = self._store.get("Deployment", key)
        if deployment is None:
            self._store.put_status(body["kind"], key_of(body), out_of_reach(body, key, self._now()))
            return None
        return _Target(body, scaler, deployment, tuple(self._pods(key)))

    def _note_readiness(self, pods: Iterable[Pod]) -> None:
        """Since when each pod is ready or not, as far as this looks."""
        now, before = self._now(), self._ready
        self._ready = {
            pod.key: known if (known := before.get(pod.key)) and known[0] == pod.ready else (pod.ready, now)
            for pod in pods
        }

    async def _reading(self, metric: MetricSpec, target: _Target, uses: Mapping[Key, Use]) -> Reading:
        match metric.said:
            case ObjectMetric() | ExternalMetric() as said:
                return await self._from_outside(said, target)
            case _:
                pods = {pod.key.name: uses[pod.key] for pod in target.pods}
                return {
                    name: Sample(amount, use.at, use.window)
                    for name, use in pods.items()
                    if (amount := _amount(metric, use)) is not None
                }

    async def _from_outside(self, said: ObjectMetric | ExternalMetric, target: _Target) -> Reading:
        name = said.metric.name
        meshes = self._store.list("Mesh")
        url = meshes[0]["spec"].get("metrics", {}).get(name) if meshes else None
        if url is None:
            return NoMetricError(f"the Mesh does not say where metric {name} is read")
        query = {"metric": name, "namespace": target.scaler.metadata.namespace} | _selected(said.metric)
        if isinstance(said, ObjectMetric):
            query["object"] = f"{said.described_object.kind}/{said.described_object.name}"
        try:
            return await self._read(url, query)
        except NoMetricError as error:
            return error

    def _decide(self, target: _Target, readings: list[Reading]) -> None:
        """Decide on what is stored now: it may have changed while a metric was read."""
        kind, key = target.body["kind"], key_of(target.body)
        body = self._store.get(kind, key)
        deployment = self._store.get("Deployment", key_of(target.deployment))
        if body is None or deployment is None or body["spec"] != target.body["spec"]:
            return
        now, uid = self._now(), _uid(body)
        pods = tuple(_pod(pod, *self._ready[pod.key]) for pod in target.pods)
        seen = Measured(deployment["spec"].get("replicas", 1), pods, tuple(readings))
        decision = decide(target.scaler.spec, seen, self._memories.get(uid, Memory()), now)
        with self._store.transaction():
            self._write(body, deployment, seen.replicas, decision, now)
            status = status_after(body, target.scaler.spec, seen.replicas, decision, now)
            self._store.put_status(kind, key, status)
        self._memories[uid] = decision.memory

    def _write(self, body: Body, deployment: Body, before: int, decision: Decision, now: datetime) -> None:
        """The change of the Deployment, and what the history shall know."""
        if decision.replicas != before:
            reason = f"{before} → {decision.replicas} pods: {decision.reason}"
            scaled = deployment | {"spec": deployment["spec"] | {"replicas": decision.replicas}}
            self._store.put(scaled, reason=reason, by=AUTOSCALER)
        known = {(each["reason"], each["message"]) for each in body.get("status", {}).get("conditions", ())}
        for failure in decision.failures:
            if (failure.reason, failure.text) not in known:
                event = event_about(
                    body, now, "no metric", failure.reason, message=failure.text, by=AUTOSCALER
                )
                self._store.record(event)


def _uid(body: Body) -> str:
    uid: str = body["metadata"]["uid"]
    return uid


def _selected(metric: MetricIdentifier) -> dict[str, str]:
    """The question for a part of a metric's series, as Kubernetes' APIs put it."""
    labels = metric.selector.match_labels if metric.selector else {}
    return {"labelSelector": ",".join(f"{k}={v}" for k, v in sorted(labels.items()))} if labels else {}


def _amount(metric: MetricSpec, use: Use) -> int | None:
    """Thousandths of what the metric counts."""
    if metric.resource is None:
        return use.requests
    if metric.resource.name == "cpu":
        return use.cpu
    return None if use.memory is None else use.memory * 1000


def _pod(pod: Pod, ready: bool, since: datetime) -> measured.Pod:
    requested = {name: pod.container.resources.requested(name) for name in ("cpu", "memory")}
    return measured.Pod(
        name=pod.key.name,
        started=pod.created,
        ready=ready,
        ready_since=since,
        leaving=pod.stage is Stage.DRAINING,
        pending=Part.APP not in pod.processes,
        requests={name: milli(amount) for name, amount in requested.items() if amount},
    )
