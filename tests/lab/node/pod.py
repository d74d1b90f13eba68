"""One pod's life: its network, its Envoy, its containers, from being bound to being gone from the API.

Must not know which pods there are.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta

import aiohttp
from tests.lab.api import ApiError, Object
from tests.lab.node import proxies, status
from tests.lab.node.container import Container
from tests.lab.node.programs import Placed, Programs
from tests.lab.node.proxies import PodProxy, Role
from tests.lab.node.surroundings import Surroundings

from laneway.spec.meta import Key

_AGAIN_SECONDS = 0.3
_PASSING = (409, 429, 500, 503, 504)
_STRATEGIC = "application/strategic-merge-patch+json"

log = logging.getLogger(__name__)


class Pod:
    """A pod that is bound to this node. Run `live` as a task; `seen` and `vanish` tell it what is wanted."""

    def __init__(self, body: Object, kind: Role, around: Surroundings) -> None:
        self.body = body
        self.address = ""
        self.proxy: PodProxy | None = None
        self._kind = kind
        self._around = around
        self._began = datetime.now(UTC)
        self._front: Container | None = None
        self._first: Sequence[Container] = ()
        self._own: Sequence[Container] = ()
        self._initialized = False
        self._grace = timedelta()
        self._ending = asyncio.Event()
        self._gone = False
        self._written: Object | None = None
        self._dirty = asyncio.Event()

    @property
    def uid(self) -> str:
        """Names it for good."""
        uid: str = self.body["metadata"]["uid"]
        return uid

    @property
    def path(self) -> str:
        """Where the API has it."""
        meta = self.body["metadata"]
        return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"

    @property
    def own(self) -> Sequence[Container]:
        """Its application's containers."""
        return self._own

    @property
    def containers(self) -> Sequence[Container]:
        """Those that the status tells of."""
        return [*([self._front] if self._front else []), *self._own]

    @property
    def ready(self) -> bool:
        """As its condition was written last."""
        conditions = self.body.get("status", {}).get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    @property
    def ending(self) -> bool:
        """Whether its end has begun."""
        return self._ending.is_set()

    def seen(self, body: Object) -> None:
        """The object as it is now; with a deletion's time it begins to end."""
        self._take(body)
        if "deletionTimestamp" in body["metadata"]:
            self._grace = timedelta(seconds=body["metadata"].get("deletionGracePeriodSeconds") or 0)
            self._ending.set()
        self._dirty.set()

    def vanish(self) -> None:
        """The object is gone: end at once."""
        self._gone = True
        self._grace = timedelta()
        self._ending.set()
        for each in (*self._first, *self.containers):
            each.kill()

    async def live(self) -> None:
        """Until it is gone."""
        self.address = await self._around.network.add(self.uid, captured=self._kind.sidecar)
        self._make()
        writing = asyncio.create_task(self._keep_written())
        try:
            await self._unless_ending(self._run())
            await self._end()
            await self._ending.wait()
        except asyncio.CancelledError:
            await self._abandon()
            raise
        finally:
            writing.cancel()
        await self._remove()

    async def _abandon(self) -> None:
        """The node ends, and with it every process."""
        for each in (*self._first, *self.containers):
            each.abandon()
        if self.proxy is not None:
            await self.proxy.path.cut()

    def _make(self) -> None:
        placed, spec = Placed(self.body, self.address), self.body["spec"]
        programs = Programs(placed, self._around)

        def made(body: Object, *, once: bool = False) -> Container:
            return Container(programs.given(body, once=once), placed.grace, self._dirty.set)

        if self._kind.any:
            self.proxy = PodProxy(placed, self._kind, self._around)
            self._front = Container(self.proxy.given, placed.grace, self._dirty.set)
        if not self._kind.gateway:
            self._first = [made(each, once=True) for each in spec.get("initContainers", [])]
            self._own = [made(each) for each in spec["containers"]]
        self._dirty.set()

    async def _run(self) -> None:
        """The Envoy before all else, as a native sidecar; the first containers one by one; then the others.

        Returns when all of them are over, which they never are in a Deployment's pod.
        """
        if self._front is not None and self.proxy is not None:
            await self.proxy.open()
            self._front.begin()
            await self._front.was_ready.wait()
        for each in self._first:
            each.begin()
            await each.over()
        self._initialized = True
        self._dirty.set()
        for each in self._own:
            each.begin()
        for each in self.containers if self._kind.gateway else self._own:
            await each.over()

    async def _unless_ending(self, work: Coroutine[None, None, None]) -> None:
        running = asyncio.create_task(work)
        ending = asyncio.create_task(self._ending.wait())
        await asyncio.wait((running, ending), return_when=asyncio.FIRST_COMPLETED)
        for task in (running, ending):
            task.cancel()
        await asyncio.gather(running, ending, return_exceptions=True)

    async def _end(self) -> None:
        """The application first: until it has ended it may call others."""
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(each.end(self._grace) for each in (*self._first, *self._own)))
        if self._front is not None:
            took = timedelta(seconds=asyncio.get_running_loop().time() - began)
            await self._front.end(max(self._grace - took, min(self._grace, timedelta(seconds=2))))

    async def _remove(self) -> None:
        if self.proxy is not None:
            await self.proxy.close()
        await self._around.network.remove(self.uid)
        self._around.volumes.remove(Key(self.body["metadata"]["namespace"], self.body["metadata"]["name"]))
        if not self._gone:
            await self._write()
            body = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
            await self._insist("DELETE", self.path, body)

    async def _keep_written(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            await self._write()

    async def _write(self) -> None:
        """The status as it is now, where another one was written before."""
        wanted = self._status()
        if wanted == self._written:
            return
        instead = {name: [*wanted[name], {"$patch": "replace"}] for name in ("podIPs", "hostIPs")}
        labels = proxies.labels(self.body) if self._kind.sidecar else {}
        patch = {"metadata": {"uid": self.uid, "labels": labels}, "status": wanted | instead}
        answer = await self._insist("PATCH", f"{self.path}/status", patch, content=_STRATEGIC)
        if answer is not None:
            self._written = wanted
            self._take(answer)

    def _take(self, body: Object) -> None:
        """What the watch says may be older than what was answered."""
        if int(body["metadata"]["resourceVersion"]) > int(self.body["metadata"]["resourceVersion"]):
            self.body = body

    async def _insist(self, method: str, path: str, body: Object, **more: str) -> Object | None:
        """Until the API server has done it; None where it refuses, as it does where the pod is gone."""
        while not self._gone:
            try:
                return await self._around.api.request(method, path, body, **more)
            except ApiError as error:
                if error.status == 404 or (error.status == 409 and method == "DELETE"):
                    return None
                if error.status not in _PASSING:
                    log.error("%s %s: %s", method, path, error)
                    return None
            except (aiohttp.ClientError, TimeoutError):
                pass  # it is away for now
            await asyncio.sleep(_AGAIN_SECONDS)
        return None

    def _status(self) -> Object:
        state = status.PodState(
            uid=self.uid,
            address=self.address,
            host=self._around.network.outside,
            began=self._began,
            containers=[each.state for each in self.containers],
            initialized=self._initialized,
        )
        gates = [each["conditionType"] for each in self.body["spec"].get("readinessGates", [])]
        return status.written(state, self.body.get("status", {}), gates, datetime.now(UTC))
