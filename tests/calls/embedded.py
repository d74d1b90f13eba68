"""The world on the embedded mesh: real Envoys, and an application for each pod, on loopback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.calls import pods
from tests.calls.answers import asked
from tests.calls.app import App
from tests.calls.asking import Answer, ask
from tests.calls.call import INGRESS, Row
from tests.calls.rows import FIRST_CALLERS
from tests.calls.world import PLAIN, Made
from tests.mesh.running_mesh import LOOPBACK, RunningMesh, eventually, free_port

from laneway.local.proxy.gateways import EGRESS, EGRESS_LABELS, INGRESS_LABELS, egress_pod
from laneway.local.proxy.gateways import INGRESS as INGRESS_KEY
from laneway.mesh.hosts import Host, host_of_service, hosts_of_entry
from laneway.mesh.world import GatewayProxy, Inbound, Pod, Sidecar
from laneway.spec.istio import ServiceEntry
from laneway.spec.kubernetes import Service

CONFIRMED_WITHIN_S = 60
BY_ADDRESS_OFTEN = 60
"""Who draws is proven by name; here it is enough that both are."""


class Embedded:
    """From `async with` to its end. callers: the versions that make calls; each has a sidecar."""

    def __init__(self, folder: Path, made: Made, callers: Sequence[str]) -> None:
        self._made = made
        self._callers = callers
        self._mesh = RunningMesh(folder)
        self._exit = AsyncExitStack()
        self._apps: dict[str, App] = {}
        self._outbound = {caller: (LOOPBACK, free_port()) for caller in callers}
        self._doors = {port: (LOOPBACK, free_port()) for port in (80, 8080)}
        self._hosts = hosts_of(made)
        self._moved = {port: free_port() for host in self._hosts.values() for port in host}

    async def __aenter__(self) -> Self:
        await self._exit.enter_async_context(self._mesh)
        try:
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def answers(self, row: Row, mark: str = "") -> list[Answer]:
        """What comes back for the call of a row. mark: what it is remembered by."""
        call = row.call
        door = self._doors[call.port] if call.caller == INGRESS else self._outbound[call.caller]
        return await ask(door, asked(row, mark))

    async def answers_by_address(self, row: Row) -> list[Answer]:
        """The same, where the caller has dialled the address that its sidecar has for the host."""
        caller, host, request = row.call.caller, known(row, self._hosts), asked(row)
        place = self._addresses(caller)[host], self._moved[row.call.port]
        return await ask(place, replace(request, count=min(request.count, BY_ADDRESS_OFTEN)))

    def _addresses(self, caller: str) -> dict[str, str]:
        """A caller's own address for each host."""
        number = 100 + self._callers.index(caller)
        return {name: f"127.{number}.77.{place}" for place, name in enumerate(self._hosts, start=1)}

    async def calls(self, version: str) -> list[str]:
        """What the requests that a version got are remembered by."""
        return self._apps[version].calls

    async def _start(self) -> None:
        versions = pods.versions(self._made)
        places = {name: await self._serve(version) for name, version in versions.items()}
        found = pods.pods(self._made, LOOPBACK, places)
        for value in self._made.parsed():
            assert self._mesh.plane.upsert(value) == ()
        egress = GatewayProxy(str(EGRESS), EGRESS.namespace, EGRESS_LABELS, {80: (LOOPBACK, free_port())})
        self._mesh.plane.set_pods([*found, egress_pod(egress, ready=True)])
        for caller in self._callers:
            await self._mesh.start(self._sidecar(pods.of_version(found, versions, caller), caller))
        await self._mesh.start(
            GatewayProxy(str(INGRESS_KEY), INGRESS_KEY.namespace, INGRESS_LABELS, self._doors)
        )
        await self._mesh.start(egress)
        generation = self._mesh.plane.publish()
        await eventually(lambda: self._mesh.plane.confirmed_generation() >= generation, CONFIRMED_WITHIN_S)

    async def _serve(self, version: str) -> dict[int, int]:
        """An application for a pod; where each of its container ports is."""
        name, _, tag = version.partition(":")

        async def through_sidecar(host: str, port: int) -> tuple[str, int]:
            return self._outbound[version]

        app = App(name, tag, through_sidecar)
        self._apps[version] = app
        found = {}
        for port in (8080, 8081):
            server = await app.serve(LOOPBACK)
            self._exit.callback(server.close)
            found[port] = int(server.sockets[0].getsockname()[1])
        return found

    def _sidecar(self, pod: Pod, caller: str) -> Sidecar:
        inbound = Inbound(8080, (LOOPBACK, free_port()), (LOOPBACK, pod.ports[8080]))
        return Sidecar(
            pod.name,
            pod.namespace,
            pod.labels,
            self._outbound[caller],
            (inbound,),
            addresses=self._addresses(caller) if caller in FIRST_CALLERS else {},
            moved_ports=self._moved,
        )


def known(row: Row, hosts: Mapping[str, tuple[int, ...]]) -> str:
    """The full name of the host that a row's call is for; empty where none of these with the port is."""
    if row.call.caller == INGRESS:
        return ""
    namespace = PLAIN.get(row.call.caller.partition(":")[0], "shop")
    own = f"{row.call.host}.{namespace}.svc.cluster.local".lower()
    names = (own, f"{row.call.host}.svc.cluster.local".lower(), row.call.host.lower())
    return next((name for name in names if row.call.port in hosts.get(name, ())), "")


def hosts_of(made: Made) -> dict[str, tuple[int, ...]]:
    """The ports of each host, by full name."""
    found: dict[str, tuple[int, ...]] = {}
    for value in made.parsed():
        match value:
            case Service():
                hosts: tuple[Host, ...] = (host_of_service(value),)
            case ServiceEntry():
                hosts = hosts_of_entry(value)
            case _:
                continue
        found |= {host.name: tuple(port.number for port in host.ports) for host in hosts}
    return found
