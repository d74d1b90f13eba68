"""The controller: watches a cluster and makes plans true there, one leader at a time.

Owns what runs beside what, from start to end. Must not decide anything about an app.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import orjson

from laneway.control.changes import DERIVED_KINDS
from laneway.control.metrics.reader import MetricReader
from laneway.kubernetes.api.errors import ApiError, Unreachable
from laneway.kubernetes.api.reflector import Reflector
from laneway.kubernetes.api.seen import PodSeen, Seen, pod_seen, seen
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.awaiting import Awaiting
from laneway.kubernetes.configuration import Content, content
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.dialect import Normalised
from laneway.kubernetes.events import Events
from laneway.kubernetes.evidence.counting import Counting
from laneway.kubernetes.evidence.webhooks import Webhooks
from laneway.kubernetes.finding_out import FindingOut
from laneway.kubernetes.index import WATCHED_WHOLE, Index
from laneway.kubernetes.queue import Queue
from laneway.kubernetes.reconciler import Reconciler
from laneway.kubernetes.writing import Writer
from laneway.manifests import names
from laneway.spec.meta import Key

log = logging.getLogger(__name__)

WORKERS = 16
"""Apps that are worked on side by side: more in flight makes the API server slower, not us faster."""

TOGETHER_SECONDS = 0.03
"""What is heard within this time is looked at once: a pod that starts is heard of five times, and more."""
PODS_TOGETHER_SECONDS = 0.1
"""Pods of one Deployment become ready, and go, within this time."""
AFTER_WRITING_SECONDS = 3.0
"""What we write leads on once somebody has answered to it; that is looked at sooner."""
BESIDE_SECONDS = 1.0
"""What mostly asks for nothing: a pod that ends while others of its version serve; an object of ours that
changes while we write."""
LEAVING_SECONDS = 0.1
"""What ends takes one step after another, and nobody answers to some of them."""

OURS = f"{names.MANAGED_BY}={names.LANEWAY}"
POD_LABELS = frozenset({names.APP, names.REVISION, names.LANE, names.LANE_APP})
CONFIGURATION = ("ConfigMap", "Secret")
WATCHED_ALL = frozenset({"App", "Lane", "Mesh", "Release", "Deployment", "Gateway"})
"""Kinds of which people's objects are watched too; of the others only Laneway's own."""


@dataclass(frozen=True, slots=True)
class Settings:
    """root: the namespace of istiod, where the controller's account lives too."""

    root: str = "istio-system"
    istiod_port: int = 15012


class _Gateway(msgspec.Struct):
    selector: dict[str, str] = {}


class _GatewayObject(msgspec.Struct):
    spec: _Gateway


_GATEWAY = msgspec.json.Decoder(_GatewayObject)


class Work(NamedTuple):
    """What is looked at: the apps that are planned together with one, or a lane (`App`, `Lane`)."""

    kind: str
    key: Key


class Controller:
    """Of one cluster. For one event loop."""

    def __init__(
        self,
        server: Server,
        confirmations: Confirmations,
        settings: Settings = Settings(),
        counting: Counting | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        wrote: Callable[[str, str, Key], Awaitable[None]] | None = None,
        own_metrics: MetricReader | None = None,
    ) -> None:
        """counting: of requests, None where nobody counts them; own_metrics: reads what Apps name beside.

        wrote: awaited after each write, by verb, kind and key.
        """
        self._server = server
        self._confirmations = confirmations
        self._settings = settings
        self._now = now
        self.index = Index()
        self._queue: Queue[Work] = Queue()
        self._awaiting = Awaiting(confirmations, asyncio.get_running_loop().call_soon)
        self._gateways: dict[Key, Mapping[str, str]] = {}
        self._finding_out = FindingOut(counting, Webhooks(now), now, own_metrics)
        self._finding_out.subscribe(self._concerns)
        self._events = Events(server, now=now)
        normalised = Normalised()
        self._writer = Writer(server, normalised, self._took, self._known, wrote, self.index.serves)
        self._reconciler = Reconciler(
            self.index,
            self._writer,
            normalised,
            confirmations,
            now,
            lambda: self._gateways,
            self._finding_out,
            self._events,
        )
        self._watching = asyncio.Event()
        self._reflectors: dict[str, Reflector[Seen]] = {}
        self._contents: list[Reflector[Content]] = []
        confirmations.subscribe(self._answered)

    async def run(self) -> None:
        """Watch and act until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.watch())
            tasks.create_task(self.lead())

    async def watch(self) -> None:
        """Know the cluster, until cancelled; who does not lead does that too, to take over at once."""
        async with asyncio.TaskGroup() as tasks:
            self._watch(tasks)
            tasks.create_task(self._confirmations.run())
            tasks.create_task(self._finding_out.run())
            self._watching.set()

    async def lead(self) -> None:
        """Act, until cancelled. Beside `watch`."""
        await self.synced()
        self._concerns(frozenset(self.index.apps))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._events.run())
            for _ in range(WORKERS):
                tasks.create_task(self._work())

    async def synced(self) -> None:
        """Everything has been read once."""
        await self._watching.wait()
        for reflector in self._reflectors.values():
            await reflector.synced()
        for contents in self._contents:
            await contents.synced()
        await self._pods.synced()
        await self._istiods.synced()

    def _watch(self, tasks: asyncio.TaskGroup) -> None:
        for kind in WATCHED_WHOLE:
            labels = None if kind in WATCHED_ALL else OURS
            self._reflectors[kind] = Reflector(self._server, kind, seen, self._heard(kind), labels=labels)
        self._pods: Reflector[PodSeen] = Reflector(self._server, "Pod", pod_seen(POD_LABELS), self._pod)
        self._istiods: Reflector[Seen] = Reflector(
            self._server, "EndpointSlice", seen, self._istiod, namespace=self._settings.root,
            labels="app=istiod",  # as a Service has it, of every revision: a slice bears its Service's labels
        )  # fmt: skip
        for kind in CONFIGURATION:
            self._contents.append(Reflector(self._server, kind, content, self._configured(kind)))
        for reflector in self._reflectors.values():
            tasks.create_task(reflector.run())
        for contents in self._contents:
            tasks.create_task(contents.run())
        tasks.create_task(self._pods.run())
        tasks.create_task(self._istiods.run())

    # --- what is heard

    def _heard(self, kind: str) -> Callable[[Key, Seen | None, Seen | None], None]:
        def heard(key: Key, before: Seen | None, now: Seen | None) -> None:
            if kind == "Gateway":
                self._gateway(key, now)
            concerned = self.index.heard(kind, key, now, before)
            if kind in DERIVED_KINDS:
                self._changed(concerned)
            else:
                self._concerns(concerned)
            if kind == "Lane" and now is None:
                self._queue.add(Work("Lane", key))

        return heard

    def _gateway(self, key: Key, now: Seen | None) -> None:
        if now is None:
            self._gateways.pop(key, None)
        else:
            self._gateways[key] = _GATEWAY.decode(now.raw).spec.selector

    def _configured(self, kind: str) -> Callable[[Key, Content | None, Content | None], None]:
        def heard(key: Key, before: Content | None, now: Content | None) -> None:
            self._concerns(self.index.contents.take(kind, key, now))

        return heard

    def _pod(self, key: Key, before: PodSeen | None, now: PodSeen | None) -> None:
        concerned = self.index.pods.take(before, now)
        beside = self.index.pods.has_others(now) if now and now.deleting else False
        self._concerns(concerned, BESIDE_SECONDS if beside else PODS_TOGETHER_SECONDS)

    def _istiod(self, key: Key, before: Seen | None, now: Seen | None) -> None:
        port = self._settings.istiod_port
        slices = [orjson.loads(each.raw) for each in self._istiods.objects.values()]
        addresses = {
            address
            for each in slices
            for endpoint in each.get("endpoints") or ()
            if (endpoint.get("conditions") or {}).get("ready", True)
            for address in endpoint["addresses"]
        }
        self._confirmations.istiods(f"{address}:{port}" for address in sorted(addresses))

    def _concerns(self, apps: frozenset[Key], seconds: float = TOGETHER_SECONDS) -> None:
        for app in apps & self.index.apps.keys():
            self._queue.add_after(self._work_on(app), seconds)

    def _changed(self, apps: frozenset[Key]) -> None:
        """What was made of these apps has changed; while they are worked on, mostly by us."""
        for app in apps & self.index.apps.keys():
            work = self._work_on(app)
            self._queue.add_after(work, BESIDE_SECONDS if self._queue.has_out(work) else TOGETHER_SECONDS)

    def _work_on(self, app: Key) -> Work:
        return Work("App", self.index.component(app)[0])

    def _answered(self) -> None:
        for app in self._awaiting.changed():
            self._queue.add_after(Work("App", app), TOGETHER_SECONDS)

    def _took(self, kind: str, key: Key, now: Seen | None) -> None:
        """What was written is known at once; the watch tells it again later."""
        if kind in CONFIGURATION:
            self.index.contents.take(kind, key, content(now.raw) if now else None)
            return
        concerned = self.index.end(kind, key) if now is None else self.index.take(kind, key, now)
        leaving = any(self.index.objects["App"][app].deleting for app in concerned)
        self._concerns(concerned, LEAVING_SECONDS if leaving else AFTER_WRITING_SECONDS)

    def _known(self, kind: str, key: Key) -> Seen | None:
        return self.index.objects[kind].get(key) if kind in self.index.objects else None

    # --- what is done

    async def _work(self) -> None:
        while True:
            work = await self._queue.get()
            try:
                await self._attempt(work)
            finally:
                self._queue.done(work)

    async def _attempt(self, work: Work) -> None:
        try:
            wake = await (self._app(work.key) if work.kind == "App" else self._lane(work.key))
        except (ApiError, Unreachable) as error:
            gone = isinstance(error, ApiError) and error.missing  # the watch tells it soon
            delay = self._queue.failed(work)
            level = logging.INFO if gone else logging.WARNING
            log.log(level, "%s %s is tried again in %.1f s: %s", *work, delay, _short(error))
        except Exception:
            delay = self._queue.failed(work)
            log.exception("%s %s failed, and is tried again in %.1f s", *work, delay)
        else:
            self._queue.forget(work)
            if wake is not None:
                self._queue.add_after(work, max(0.0, (wake - self._now()).total_seconds()))

    async def _app(self, app: Key) -> datetime | None:
        if app not in self.index.apps:
            self._awaiting.forget(app)
            self._finding_out.forget(app)
            self._reconciler.forget("App", app)
            return None
        wake = await self._reconciler.reconcile(app, self._awaiting.interested)
        self._concerns(self._reconciler.freed() & self.index.apps.keys())
        for lane in self.index.lanes_with(self.index.component(app)):
            self._queue.add(Work("Lane", lane))
        return wake

    async def _lane(self, lane: Key) -> datetime | None:
        if lane not in self.index.objects["Lane"]:
            self._reconciler.forget("Lane", lane)
            return None
        return await self._reconciler.tell_lane(lane)


def _short(error: Exception) -> str:
    """An error whose middle may hold a whole object."""
    text = str(error)
    return text if len(text) <= 600 else f"{text[:200]} … {text[-400:]}"
