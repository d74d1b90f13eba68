"""An istiod of a lab: its command, its addresses, and the Pod that it is in the cluster's eyes.

Owns flags and environment, and the objects by which istiods are found. Must not know what starts when.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from tests.lab import cache
from tests.lab.addresses import FIRST_ISTIOD, Block
from tests.lab.api import Object
from tests.lab.certificates import Authority
from tests.lab.credentials import ISTIOD, Credentials
from tests.lab.program import Program

NAMESPACE = "istio-system"
SECURE_NAME = "istiod.istio-system.svc"
"""What an istiod's certificate says; its address is not in it."""
AUDIENCE = "istio-ca"
"""What a token for an istiod is made for."""
NODE = "lab-control-plane"
MESH = """\
enableAutoMtls: false
enableTracing: false
accessLogFile: ""
"""
ENVIRONMENT = {
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_TELEMETRY": "false",
}
"""Envoy itself has none of the filters that Istio builds into its own."""


@dataclass(frozen=True)
class Istiod:
    """One istiod and where it is asked."""

    number: int
    address: str
    grpc: str
    """Plaintext gRPC, `address:port`: everybody is served."""
    secure: str
    """gRPC over TLS as `SECURE_NAME`, `address:port`: it asks for an account's token or a certificate."""
    debug: str
    """The URL of its debug interface, which trusts localhost."""
    metrics: str
    """The URL of its metrics. What else is there, the debug interface too, asks who is asking."""
    program: Program

    @property
    def pod(self) -> str:
        """The name of its Pod."""
        return f"istiod-{self.number}"

    async def is_ready(self) -> bool:
        """Whether it has read the cluster and serves."""
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.debug}/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


def istiod(
    folder: Path, block: Block, credentials: Credentials, number: int, more: Mapping[str, str]
) -> Istiod:
    """An istiod that has not been started."""
    address, private = block.public(FIRST_ISTIOD + number), block.private(FIRST_ISTIOD + number)
    name = f"istiod-{number}"
    command = [
        str(cache.program("pilot-discovery")),
        "discovery",
        f"--kubeconfig={credentials.kubeconfig(ISTIOD)}",
        f"--grpcAddr={address}:15010",
        f"--secureGRPCAddr={address}:15012",
        f"--monitoringAddr={address}:15014",
        f"--httpAddr={private}:8080",
        "--httpsAddr=",
        f"--ctrlz_address={private}",
        "--kubernetesApiQPS=1000",
        "--kubernetesApiBurst=2000",
        "--shutdownDuration=500ms",
    ]
    identity = {"POD_NAME": name, "POD_NAMESPACE": NAMESPACE, "ROOT_CA_DIR": str(folder / "cacerts")}
    program = Program(name, command, folder, {**ENVIRONMENT, **identity, **more})
    return Istiod(
        number,
        address,
        grpc=f"{address}:15010",
        secure=f"{address}:15012",
        debug=f"http://{private}:8080",
        metrics=f"http://{address}:15014/metrics",
        program=program,
    )


def write_authority(folder: Path) -> Object:
    """Have one authority for all istiods in `cacerts`, as if the Secret, which is returned, were mounted."""
    pair = Authority("lab mesh").pair
    files = {
        "ca-cert.pem": pair.certificate,
        "ca-key.pem": pair.key,
        "root-cert.pem": pair.certificate,
        "cert-chain.pem": pair.certificate,
    }
    (folder / "cacerts").mkdir()
    for name, content in files.items():
        (folder / "cacerts" / name).write_bytes(content)
    data = {name: base64.b64encode(content).decode() for name, content in files.items()}
    metadata = {"name": "cacerts", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def mesh_configuration(text: str) -> Object:
    """Where istiods read Istio's mesh configuration from, now and when it changes."""
    metadata = {"name": "istio", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mesh": text}}


def surroundings() -> list[Object]:
    """What istiods need in the cluster, and by which they are found: a node, a service account, a Service."""
    ports = {"grpc-xds": 15010, "https-dns": 15012, "http-monitoring": 15014}
    labels = {"app": "istiod", "istio": "pilot"}
    spec = {"selector": labels, "ports": [{"name": name, "port": port} for name, port in ports.items()]}
    return [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "istiod", "namespace": NAMESPACE},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "istiod",
                "namespace": NAMESPACE,
                "labels": {**labels, "istio.io/rev": "default"},
            },
            "spec": spec,
        },
    ]


def pod(one: Istiod) -> Object:
    """The Pod that an istiod would run in."""
    labels = {"app": "istiod", "istio": "pilot", "istio.io/rev": "default"}
    container = {"name": "discovery", "image": "istio/pilot"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": one.pod, "namespace": NAMESPACE, "labels": labels},
        "spec": {"nodeName": NODE, "serviceAccountName": "istiod", "containers": [container]},
    }


def pod_status(one: Istiod, *, ready: bool) -> Object:
    """The same Pod with its status: the endpoints of the Service follow it."""
    said = "True" if ready else "False"
    conditions = [{"type": kind, "status": said} for kind in ("Ready", "ContainersReady")]
    status = {
        "phase": "Running",
        "podIP": one.address,
        "podIPs": [{"ip": one.address}],
        "hostIP": one.address,
        "conditions": [{"type": "PodScheduled", "status": "True"}, *conditions],
    }
    return {**pod(one), "status": status}
