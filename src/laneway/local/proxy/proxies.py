"""The data plane of one machine: what the mesh is told of pods and proxies, and how each Envoy is started.

Owns bootstrap files, gateways and the sockets of Envoy's admin interface. Must not know weights or lanes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from laneway.local.container.containers import Command
from laneway.local.network.addresses import local_port, privileged_below
from laneway.local.pod.pods import Pod
from laneway.local.process.markers import Part
from laneway.local.proxy import gateways
from laneway.local.proxy.gateways import Places
from laneway.local.proxy.mesh_view import FILE_PREFIX, file_name, mesh_pod, sidecar
from laneway.local.state import State
from laneway.mesh import world
from laneway.mesh.bootstrap import bootstrap
from laneway.mesh.control_plane import ControlPlane
from laneway.mesh.envoy import Admin, envoy_argv
from laneway.mesh.gateways import servers_of
from laneway.mesh.openings import closed
from laneway.mesh.refusals import Refusal
from laneway.mesh.registry import Registry
from laneway.mesh.sockets import socket_path
from laneway.spec.lane import Mesh
from laneway.spec.meta import Key, Object

MESH_KINDS = frozenset(
    {"Service", "ServiceEntry", "Sidecar", "VirtualService", "DestinationRule", "Gateway", "Mesh", "Secret"}
)
SETTLE_SECONDS = 0.1
"""How long a pod may still be sent a request after its removal was confirmed: workers learn of it later."""

POLL_SECONDS = 0.05
CALLERS_SECONDS = 1.0
"""How long a proxy has to say what it has counted."""


class Proxies:
    """The mesh of one state: the control plane, the two gateways, and every pod's sidecar."""

    def __init__(self, state: State, plane: ControlPlane, registry: Registry, places: Places) -> None:
        """registry: what the control plane's translation knows, to explain it."""
        self._state = state
        self._plane = plane
        self.registry = registry
        self._places = places
        self._privileged_below = privileged_below()
        self._moved_ports = self._local(range(1, self._privileged_below))
        self._pods: dict[Key, Pod] = {}
        self._refusals: dict[tuple[str, Key], tuple[Refusal, ...]] = {}
        self._egress: list[int] = []
        self._done: set[Key] = set()
        self._with_files: set[str] | None = None
        self._changed = asyncio.Event()
        self.counted = 0
        plane.subscribe(self._confirmation_changed)

    def _confirmation_changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def ingress_port(self) -> int:
        """Where the ingress listens on 127.0.0.1."""
        return self._places.ingress_port

    @property
    def xds(self) -> Path:
        """The socket on which proxies are served."""
        return self._state.run / "xds.sock"

    def upsert(self, obj: Object) -> None:
        """Tell the mesh of an object; what it refuses stays in `refusals`."""
        self._refusals[obj.kind, obj.key] = self._plane.upsert(obj)
        if isinstance(obj, Mesh):
            self._plane.set_passthrough(obj.spec.outbound_traffic_policy.mode == "ALLOW_ANY")

    def delete(self, kind: str, key: Key) -> None:
        """An object is gone."""
        self._refusals.pop((kind, key), None)
        self._plane.delete(kind, key)
        if kind == "Mesh":
            self._plane.set_passthrough(False)

    def refusals(self) -> Iterable[tuple[Key, Refusal]]:
        """What the mesh refuses, by object."""
        for (_, key), found in self._refusals.items():
            for refusal in found:
                yield key, refusal

    def publish(self, pods: Iterable[Pod]) -> int:
        """Tell every proxy what is true now. Returns the generation."""
        self._pods = {pod.key: pod for pod in pods}
        self._done &= self._pods.keys()
        self._remove_files()
        return self._publish()

    def _publish(self) -> int:
        ingress, egress = self.ingress(), self.egress()
        self._publish_egress(list(egress.ports))
        there = gateways.egress_pod(egress, ready=bool(egress.ports))
        self._plane.set_pods([*(mesh_pod(pod, self._state.run) for pod in self._pods.values()), there])
        sidecars = [self._sidecar(pod) for pod in self._pods.values() if pod.sidecar]
        proxies: list[world.Proxy] = [ingress, egress, *sidecars]
        self.counted = sum(proxy.counted for proxy in proxies)
        self._plane.set_proxies(proxies)
        return self._plane.publish()

    def _sidecar(self, pod: Pod) -> world.Sidecar:
        """A pod's proxy; it counts while it runs and may have requests to route.

        One that has just been started again counts at once, also before it connects: nobody can tell which
        rules it has while it takes its first ones.
        """
        found = self._told(pod)
        routes = pod.ever_ready and Part.SIDECAR in pod.processes and pod.key not in self._done
        return found if routes else replace(found, counted=False)

    def _told(self, pod: Pod) -> world.Sidecar:
        told = sidecar(pod, self._state.run, self._way_out)
        return told if pod.own_network else replace(told, moved_ports=self._moved_ports)

    @property
    def _way_out(self) -> world.Pipe:
        """Where the egress gateway takes what sidecars without a way out of their own lead there."""
        return world.Pipe(socket_path(self._state.run / f"{file_name(str(gateways.EGRESS))}.out.sock"))

    def _publish_egress(self, ports: list[int]) -> None:
        if ports == self._egress:
            return
        self._egress = ports
        service = gateways.egress_service(ports)
        if service is None:
            self._plane.delete("Service", gateways.EGRESS)
        else:
            self._plane.upsert(service)
            self._plane.upsert(gateways.egress_policy())

    def ingress(self) -> world.GatewayProxy:
        """The ingress gateway and where it listens."""
        ports = gateways.served_ports(self.registry.gateways(), gateways.INGRESS_LABELS)
        return gateways.ingress_proxy(ports, self._places, self._local(ports))

    def ingress_urls(self) -> list[str]:
        """Where each server port of the ingress listens; where it has none, where its first one will."""
        found = gateways.urls(self.registry.gateways(), self.ingress())
        return found or [f"http://127.0.0.1:{self.ingress_port}"]

    def closed_servers(self) -> Iterator[tuple[Key, str]]:
        """The servers of Gateways that take no connection, by Gateway, and why."""
        for labels in (gateways.INGRESS_LABELS, gateways.EGRESS_LABELS):
            servers = servers_of(self.registry.gateways(), labels)
            for server, lack in closed(servers, gateways.NAMESPACE, self.registry):
                yield Key(*server.gateway.split("/")), f"port {server.port} takes no connection: {lack}"

    def egress(self) -> world.GatewayProxy:
        """The egress gateway and where it listens."""
        ports = gateways.served_ports(self.registry.gateways(), gateways.EGRESS_LABELS)
        proxy = gateways.egress_proxy(ports, self._places, self._local(ports))
        return replace(proxy, passthrough=self._way_out)

    def _local(self, ports: Iterable[int]) -> dict[int, int]:
        return {port: local_port(port, self._privileged_below) for port in ports}

    def command(self, pod: Pod) -> Command:
        """How to run a pod's sidecar."""
        return self._envoy(self._told(pod))

    def gateway_command(self, proxy: Callable[[], world.GatewayProxy]) -> Callable[[], Command]:
        """How to run a gateway, asked anew for each start."""
        return lambda: self._envoy(proxy())

    def _envoy(self, proxy: world.Proxy) -> Command:
        file = self._state.run / f"{file_name(proxy.id)}.json"
        file.write_text(json.dumps(bootstrap(proxy, self.xds, self.admin(proxy.id))))
        return Command(envoy_argv(file))

    def sidecar_admin(self, pod: Pod) -> Admin:
        """The admin interface of a pod's sidecar."""
        return Admin(self.admin(str(pod.key)))

    def admin(self, proxy_id: str) -> Path:
        """The socket of a proxy's admin interface."""
        return self._state.run / f"{file_name(proxy_id)}.sock"

    def callers(self) -> dict[str, Admin]:
        """The admin interfaces of the proxies that send requests to apps, by proxy."""
        sidecars = [str(pod.key) for pod in self._pods.values() if pod.sidecar]
        return {
            proxy: Admin(self.admin(proxy), CALLERS_SECONDS) for proxy in (*sidecars, str(gateways.INGRESS))
        }

    def _remove_files(self) -> None:
        """Remove what pods that are gone have left, at first also of those that went while nobody looked."""
        names = {file_name(str(key)) for key in (*self._pods, gateways.INGRESS, gateways.EGRESS)}
        if self._with_files is None or self._with_files - names:
            for file in self._state.run.glob(f"{FILE_PREFIX}*"):
                if file.name.partition(".")[0] not in names:
                    file.unlink(missing_ok=True)
        self._with_files = names

    def ready(self, pod: Pod) -> bool:
        """Whether a pod's sidecar has acknowledged everything that it serves."""
        return self._plane.acked(str(pod.key)) > 0

    async def drained(self, pod: Pod) -> None:
        """Returns when every proxy has confirmed the pod's removal and its sidecar has nothing open.

        Neither a request nor a connection of TCP.

        A pod that was never ready is known to no peer.
        """
        if not pod.ever_ready:
            return
        self._pods[pod.key] = pod
        generation = self._publish()
        while self._plane.confirmed_generation() < generation:
            await self._changed.wait()
        await asyncio.sleep(SETTLE_SECONDS)
        admin = self.sidecar_admin(pod)
        while pod.sidecar and await self._active(admin):  # noqa: ASYNC110 - Envoy tells of no end
            await asyncio.sleep(POLL_SECONDS)
        self._done.add(pod.key)

    async def _active(self, admin: Admin) -> bool:
        """Whether a sidecar has something open; one that does not answer has nothing that could end."""
        with suppress(OSError):
            return await admin.active_requests() > 0 or await admin.open_connections() > 0
        return False
