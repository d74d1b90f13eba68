"""The node: takes every pod that no node has, and makes it true, as scheduler, kubelet, CNI and injector do.

    async with Node(lab, Images.of(Path("examples/shop"))) as node:
        await node.ready("shop", 8)

Owns which pods there are. Must not know how one lives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from tests.lab.api import Api, Object
from tests.lab.node import gateways, names, proxies, scheduling, services
from tests.lab.node.cluster import Cluster
from tests.lab.node.forwarding import Place
from tests.lab.node.identities import Identities
from tests.lab.node.images import Images
from tests.lab.node.network import Network
from tests.lab.node.pod import Pod
from tests.lab.node.run_folder import run_folder
from tests.lab.node.secrets_server import SecretsServer
from tests.lab.node.surroundings import Surroundings
from tests.lab.node.watching import Watching

from laneway.local.container.volumes import Volumes
from laneway.spec.meta import Key

_LOOK_SECONDS = 0.02
_KINDS = {
    "Pod": "/api/v1/pods",
    "Service": "/api/v1/services",
    "ConfigMap": "/api/v1/configmaps",
    "Secret": "/api/v1/secrets",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/endpointslices",
    "ServiceEntry": "/apis/networking.istio.io/v1/serviceentries",
}
_NEEDED_FIRST = ("Service", "ConfigMap", "Secret")
"""Before a pod is started."""

log = logging.getLogger(__name__)


class Node:
    """Runs pods from `async with` to its end. It needs root."""

    def __init__(self, lab: Cluster, images: Images | Mapping[str, str], name: str = "node-1") -> None:
        """images: what stands for an image; a mapping of commands runs them in `/`."""
        self.name = name
        self.logs = lab.folder / f"{name}-logs"
        self._lab = lab
        self._images = images if isinstance(images, Images) else Images(images)
        self._exit = AsyncExitStack()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pods: dict[Key, Pod] = {}
        self._binding: set[str] = set()
        self._proxies_made = 0
        self._untold = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._exit.aclose()

    @property
    def outside(self) -> str:
        """This machine's own address as pods see it: what listens there is outside of the mesh."""
        return self._network.outside

    def pod(self, namespace: str, name: str) -> Pod:
        """A pod that runs here. Raises KeyError."""
        return self._pods[Key(namespace, name)]

    def all_pods(self) -> list[Pod]:
        """Every pod that runs here."""
        return list(self._pods.values())

    def pods(self, namespace: str, **labels: str) -> list[Pod]:
        """The pods of a namespace that have these labels."""
        return [
            pod
            for key, pod in self._pods.items()
            if key.namespace == namespace and labels.items() <= pod.body["metadata"].get("labels", {}).items()
        ]

    async def cut_off(self, namespace: str, name: str) -> None:
        """End the connection of a pod's Envoy to istiod, and refuse it another one."""
        await self._proxy(namespace, name).path.cut()

    def stall(self, namespace: str, name: str) -> None:
        """Let nothing pass between a pod's Envoy and istiod, which still has its connection."""
        self._proxy(namespace, name).path.stall()

    async def reconnect(self, namespace: str, name: str) -> None:
        """Undo `cut_off` and `stall`."""
        await self._proxy(namespace, name).path.open()

    def ingress_url(self, port: int = 80, gateway: str = gateways.INGRESS) -> str:
        """Where this machine asks a gateway: at one of its pods that is ready. Raises LookupError."""
        return f"http://{self.ingress(gateway)}:{port}"

    def ingress(self, gateway: str = gateways.INGRESS) -> str:
        """The address of a gateway's pod that is ready. Raises LookupError."""
        for pod in self.pods(gateways.NAMESPACE, app=gateway):
            if pod.ready and not pod.ending:
                return pod.address
        raise LookupError(f"no pod of {gateway} is ready")

    async def until_ready(self, namespace: str, pods: int, seconds: float = 60, **labels: str) -> None:
        """Returns when so many pods of a namespace are ready, and no other is there. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                found = self.pods(namespace, **labels)
                if len(found) == pods and all(each.ready for each in found):
                    return
                await asyncio.sleep(_LOOK_SECONDS)

    def _proxy(self, namespace: str, name: str) -> proxies.PodProxy:
        proxy = self.pod(namespace, name).proxy
        if proxy is None:
            raise LookupError(f"pod {namespace}/{name} has no Envoy")
        return proxy

    async def _start(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        run = self._exit.enter_context(run_folder())
        self._network = await self._exit.enter_async_context(Network(self.logs / "hub.log"))
        token = self._lab.token()
        api = await self._exit.enter_async_context(Api(self._lab.server, self._lab.authority, token))
        (run / "volumes").mkdir()
        await self._exit.enter_async_context(SecretsServer(run / "secrets", Identities()))
        self._around = Surroundings(
            api=api,
            authority=self._lab.authority,
            network=self._network,
            images=self._images,
            node=self.name,
            run=run,
            logs=self.logs,
            secrets=run / "secrets",
            volumes=Volumes(run / "volumes"),
            find=self._find,
            istiods=self._istiods,
        )
        await self._register()
        self._watched = {kind: self._watching(kind, path) for kind, path in _KINDS.items()}
        for kind, watched in self._watched.items():
            if kind != "Pod":
                self._begin(watched.run())
        for kind in _NEEDED_FIRST:
            await self._watched[kind].known.wait()
        self._begin(self._tell())
        self._begin(self._watched["Pod"].run())

    async def _register(self) -> None:
        """Before any pod is bound: the controllers remove pods of nodes that do not exist."""
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux"}
        size = {"cpu": "64", "memory": "256Gi", "pods": "4000"}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name, "labels": labels}}
        await self._around.api.apply(node)
        address = {"type": "InternalIP", "address": self._network.outside}
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        status = {"capacity": size, "allocatable": size, "addresses": [address], "conditions": [ready]}
        await self._around.api.set_status({**node, "status": status})

    def _watching(self, kind: str, path: str) -> Watching:
        changed = {
            "Pod": self._pod_changed,
            "Service": self._told_of,
            "EndpointSlice": self._told_of,
            "ServiceEntry": self._told_of,
        }
        return Watching(
            self._lab.server, self._lab.authority, self._lab.token(), path, changed.get(kind, _nothing)
        )

    def _told_of(self, _: Key, __: Object | None) -> None:
        self._untold.set()

    async def _tell(self) -> None:
        """The pods' network of names and addresses, whenever they are others; many changes may be one."""
        told: tuple[object, object] = ({}, {})
        while True:
            await self._untold.wait()
            self._untold.clear()
            wanted = self._names(), self._forwards()
            if wanted[0] != told[0]:
                await self._network.resolve(wanted[0])
            if wanted[1] != told[1]:
                await self._network.forward(wanted[1])
            told = wanted

    def _forwards(self) -> dict[Place, list[Place]]:
        of = self._watched
        return services.forwards(of["Service"].objects.values(), of["EndpointSlice"].objects.values())

    def _names(self) -> dict[str, str]:
        named, entries = (self._watched[kind].objects.values() for kind in ("Service", "ServiceEntry"))
        return names.names(named, entries)

    def _find(self, kind: str, key: Key) -> Mapping[str, Any] | None:
        body = self._watched[kind].objects.get(key)
        if body is None:
            return None
        kept: dict[str, Any] = {field: body[field] for field in ("data", "binaryData") if field in body}
        metadata = {"name": key.name, "namespace": key.namespace}
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **kept}

    def _istiods(self) -> Sequence[str]:
        every = [each.grpc for each in self._lab.istiods]
        first = self._proxies_made % max(len(every), 1)
        self._proxies_made += 1
        return every[first:] + every[:first]

    def _pod_changed(self, key: Key, body: Object | None) -> None:
        pod = self._pods.get(key)
        if pod is not None and (body is None or body["metadata"]["uid"] != pod.uid):
            pod.vanish()
            del self._pods[key]
            pod = None
        if body is None:
            return
        if pod is not None:
            pod.seen(body)
        elif scheduling.waits(body):
            self._begin(self._bind(key, body))
        elif body["spec"].get("nodeName") == self.name and body["metadata"]["uid"] not in self._binding:
            self._take(key, body, proxies.given_role(body))

    async def _bind(self, key: Key, body: Object) -> None:
        uid = body["metadata"]["uid"]
        if uid in self._binding:
            return
        self._binding.add(uid)
        try:
            role = await scheduling.bind(self._around.api, self.name, key, body)
        finally:
            self._binding.discard(uid)
        newest = self._watched["Pod"].objects.get(key)
        if newest is None or newest["metadata"]["uid"] != uid or key in self._pods:
            return
        if role is not None:
            self._take(key, newest, role)
        elif newest["spec"].get("nodeName") == self.name:
            self._take(key, newest, proxies.given_role(newest))

    def _take(self, key: Key, body: Object, role: proxies.Role) -> None:
        if body.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            return
        pod = Pod(body, role, self._around)
        self._pods[key] = pod
        if "deletionTimestamp" in body["metadata"]:
            pod.seen(body)
        self._begin(pod.live())

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the node's work failed", exc_info=error)


def _nothing(_: Key, __: Object | None) -> None:
    """Nobody waits for this kind."""
