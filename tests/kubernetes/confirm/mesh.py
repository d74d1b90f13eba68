"""The mesh of these tests: a control plane with two istiods, a service with two subsets, and rules for it.

Owns what is written to the API server, as the engine would write it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from tests.kubernetes.confirm.ads_proxy import AdsProxy, connected
from tests.lab.control_plane import ControlPlane

from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.confirm.markers import marked
from laneway.kubernetes.confirm.surroundings import witness_sidecar
from laneway.kubernetes.confirm.wanted import Pod, Rules
from laneway.spec.meta import Key

HOST = "pharmacy.shop.svc.cluster.local"
RULES = Key("shop", "pharmacy")
CANARY = f"outbound|80|r-2|{HOST}"
SURROUNDINGS = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: elsewhere}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: laneway, namespace: istio-system}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: laneway, namespace: shop}
---
apiVersion: v1
kind: Service
metadata: {name: pharmacy, namespace: shop}
spec: {selector: {app: pharmacy}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: elsewhere}
spec: {selector: {app: other}, ports: [{name: http, port: 80}]}
"""


class Mesh:
    """What a test does to the mesh."""

    def __init__(self, lab: ControlPlane, token: str) -> None:
        self.lab = lab
        self.token = token

    def access(self) -> Access:
        """As the controller has it: TLS, and the token of an account of the root namespace."""
        return Access(root=self.lab.mesh_authority.read_bytes, token=lambda: self.token)

    async def write_rules(self, weight: int, *, gateways: Iterable[str] = (), **more: Any) -> Rules:
        """Write the VirtualService with this weight at the canary; what is to be confirmed."""
        return await self.write(RULES, [HOST], weight, gateways=gateways, **more)

    async def write(
        self, key: Key, hosts: list[str], weight: int, *, gateways: Iterable[str] = (), **more: Any
    ) -> Rules:
        """Write a VirtualService of this name for these hosts."""
        route = [
            {"destination": {"host": HOST, "subset": "r-1"}, "weight": 100 - weight},
            {"destination": {"host": HOST, "subset": "r-2"}, "weight": weight},
        ]
        named = {"gateways": list(gateways)} if gateways else {}
        spec, marker = marked(
            key, {"hosts": hosts, "http": [{"name": "stable", "route": route}], **named, **more}
        )
        await self.lab.apply(_istio("VirtualService", key, spec))
        return Rules(marker, tuple(hosts))

    async def write_subsets(self, *names: str) -> None:
        """Write the DestinationRule with these subsets."""
        subsets = [{"name": name, "labels": {"version": name}} for name in names]
        await self.lab.apply(_istio("DestinationRule", RULES, {"host": HOST, "subsets": subsets}))

    async def write_endpoints(self, *addresses: str, version: str = "r-2") -> None:
        """Write pods at these addresses, as endpoints of the service and the revision."""
        await self.lab.apply([_pod(address, version) for address in addresses])
        for address in addresses:
            await self.lab.api.set_status(_running(address, version))

    async def narrow(self, namespace: str, *hosts: str) -> None:
        """Let proxies of the namespace, of all if it is the root, see only these hosts."""
        await self.lab.apply(_istio("Sidecar", Key(namespace, "default"), {"egress": [{"hosts": [*hosts]}]}))

    async def stop_narrowing(self, namespace: str) -> None:
        """Let proxies see everything again."""
        await self.lab.api.delete(_istio("Sidecar", Key(namespace, "default"), {}))

    async def widen_witness(self) -> None:
        """What is installed for witnesses: they see everything, whatever others see."""
        await self.lab.apply(witness_sidecar("istio-system"))

    def proxy(self, number: int, name: str, **more: Any) -> AdsProxy:
        """A proxy that is not connected yet, of this istiod."""
        return AdsProxy(self.lab.istiods[number].grpc, name, **more)

    @asynccontextmanager
    async def proxies(self, *names: str) -> AsyncIterator[list[AdsProxy]]:
        """Inside, these sidecars are connected, in turn to one istiod and the other."""
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(connected(self.proxy(number % len(self.lab.istiods), name)))
                for number, name in enumerate(names)
            ]

    @asynccontextmanager
    async def confirmations(
        self, pods: Callable[[], Iterable[Pod]] | None = None, **more: Any
    ) -> AsyncIterator[Confirmations]:
        """Inside, all istiods are asked."""
        istiods = more.pop("istiods", [each.secure for each in self.lab.istiods])
        found = Confirmations(more.pop("access", None) or self.access(), pods, **more)
        found.istiods(istiods)
        running = asyncio.create_task(found.run())
        try:
            yield found
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def until(confirmations: Confirmations, holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what is said to hold, as the engine does: whenever an answer may have changed."""
    changed = asyncio.Event()
    confirmations.subscribe(changed.set)
    async with asyncio.timeout(seconds):
        while not holds():
            await changed.wait()
            changed.clear()


def pods(*names: str) -> Callable[[], list[Pod]]:
    """These are ready, each with a sidecar."""
    return lambda: [Pod(namespace, name) for namespace, name in (each.split("/") for each in names)]


def _istio(kind: str, key: Key, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": key.name, "namespace": key.namespace}
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _pod(address: str, version: str) -> dict[str, Any]:
    metadata = {
        "name": f"pharmacy-{address.replace('.', '-')}",
        "namespace": "shop",
        "labels": {"app": "pharmacy", "version": version},
    }
    spec = {"nodeName": "lab-control-plane", "containers": [{"name": "app", "image": "app"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _running(address: str, version: str) -> dict[str, Any]:
    conditions = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "Ready", "ContainersReady")]
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": conditions}
    return {**_pod(address, version), "status": status}
