"""What the mesh is told of a pod: how its peers reach it, and what its sidecar is to do. Pure.

Must not know how either is run.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from laneway.local.container.containers import OUTBOUND_PORT
from laneway.local.netns.pod_network import OUTBOUND_PORT as CAPTURE_PORT
from laneway.local.netns.pod_network import TRANSIT_PORT
from laneway.local.pod.pods import Pod
from laneway.mesh import world
from laneway.mesh.sockets import socket_path
from laneway.mesh.world import Pipe
from laneway.spec.naming import full_host

FILE_PREFIX = "proxy-"


def file_name(proxy_id: str) -> str:
    """Of a proxy's files, up to the first dot; leaves room for the limit of a socket's path."""
    return FILE_PREFIX + hashlib.sha256(proxy_id.encode()).hexdigest()[:16]


def mesh_pod(pod: Pod, run: Path) -> world.Pod:
    """A pod as its peers see it. run: folder of sockets."""
    return world.Pod(
        namespace=pod.key.namespace,
        name=pod.key.name,
        labels=pod.labels,
        address=pod.pod_ip if pod.sidecar else pod.app_address,
        ports=pod.ports,
        port_names=pod.port_names,
        ready=pod.ready,
        pipes={port: _pipe(pod, port, run) for port in pod.ports} if pod.own_network else {},
    )


def sidecar(pod: Pod, run: Path, passthrough: Pipe) -> world.Sidecar:
    """A pod's proxy. passthrough: where a pod without a way out leads what the mesh does not know."""
    names = {number: name for name, number in pod.port_names.items()}
    links = {} if pod.own_network else pod.links
    inbound = tuple(
        world.Inbound(
            container_port,
            _pipe(pod, container_port, run) if pod.own_network else (pod.pod_ip, port),
            (pod.app_address, port),
            names.get(container_port, ""),
        )
        for container_port, port in pod.ports.items()
    )
    return world.Sidecar(
        id=str(pod.key),
        namespace=pod.key.namespace,
        labels=pod.labels,
        outbound=("127.0.0.1", CAPTURE_PORT) if pod.own_network else (pod.pod_ip, OUTBOUND_PORT),
        inbound=inbound,
        addresses={full_host(name, pod.key.namespace): at for name, at in links.items() if at},
        transparent=pod.own_network,
        passthrough=passthrough if pod.own_network else None,
        transit=("127.0.0.1", TRANSIT_PORT) if pod.own_network else None,
    )


def _pipe(pod: Pod, port: int, run: Path) -> Pipe:
    return Pipe(socket_path(run / f"{file_name(str(pod.key))}.{port}.sock"))
