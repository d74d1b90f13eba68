"""The parts of a Kubernetes control plane: their commands, and how each is asked whether it is ready.

Owns flags. Must not know in which order parts start, nor what is in the cluster.
"""

from __future__ import annotations

from pathlib import Path

import aiohttp
from tests.lab import cache
from tests.lab.addresses import API_SERVER, Block
from tests.lab.credentials import CONTROLLERS, Credentials
from tests.lab.program import Program

SERVICE_ADDRESSES = "10.96.0.0/16"
ISSUER = "https://kubernetes.default.svc.cluster.local"
NAMES = ("kubernetes.default.svc", "kubernetes.default", "kubernetes", "localhost", "127.0.0.1", "10.96.0.1")
"""What the API server may be called, besides its own address."""
READY = "/readyz"
_SLOW = ("poststarthook/rbac/bootstrap-roles", "poststarthook/scheduling/bootstrap-system-priority-classes")
SERVES = f"{READY}?{'&'.join(f'exclude={check}' for check in _SLOW)}"
"""The same without what first waits for a second; who may do everything needs none of it."""


def etcd(folder: Path, block: Block) -> Program:
    """The store; nothing of a lab has to survive a power cut."""
    clients, peers = _etcd_url(block), f"http://{block.private(API_SERVER)}:2380"
    command = [
        str(cache.program("etcd")),
        f"--data-dir={store(folder)}",
        "--unsafe-no-fsync",
        "--heartbeat-interval=50",
        "--election-timeout=250",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--log-level=warn",
    ]
    return Program("etcd", command, folder)


def store(folder: Path) -> Path:
    """Where the store keeps what is in it."""
    return folder / "etcd"


async def etcd_is_ready(block: Block) -> bool:
    """Whether the store serves."""
    return await _is_well(f"{_etcd_url(block)}/health")


def server_url(block: Block) -> str:
    """Where the API server is."""
    return f"https://{block.public(API_SERVER)}:6443"


def api_server(folder: Path, block: Block, credentials: Credentials, more: tuple[str, ...]) -> Program:
    """The API server, with RBAC. Pods get no volume for an account's token: no kubelet would fill it."""
    command = [
        str(cache.program("kube-apiserver")),
        f"--etcd-servers={_etcd_url(block)}",
        f"--bind-address={block.public(API_SERVER)}",
        "--secure-port=6443",
        f"--advertise-address={block.public(API_SERVER)}",
        f"--tls-cert-file={credentials.certificate}",
        f"--tls-private-key-file={credentials.key}",
        f"--token-auth-file={credentials.token_file}",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={credentials.accounts_key}",
        f"--service-account-signing-key-file={credentials.accounts_key}",
        "--shutdown-watch-termination-grace-period=1s",  # else open watches keep it for a minute
        *more,
    ]
    return Program("kube-apiserver", command, folder)


def controllers(folder: Path, block: Block, credentials: Credentials, autoscaler_sync_s: float) -> Program:
    """The controllers: Deployments, autoscalers, endpoints and the rest, but none that judges nodes."""
    command = [
        str(cache.program("kube-controller-manager")),
        f"--kubeconfig={credentials.kubeconfig(CONTROLLERS)}",
        f"--bind-address={block.private(API_SERVER)}",
        f"--cert-dir={folder / 'controllers'}",
        f"--root-ca-file={credentials.authority}",
        f"--service-account-private-key-file={credentials.accounts_key}",
        "--leader-elect=false",
        "--controllers=*,-nodeipam,-nodelifecycle",
        f"--horizontal-pod-autoscaler-sync-period={autoscaler_sync_s}s",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
    ]
    return Program("kube-controller-manager", command, folder)


async def controllers_are_ready(block: Block) -> bool:
    """Whether the controllers have started."""
    return await _is_well(f"https://{block.private(API_SERVER)}:10257/healthz")


def _etcd_url(block: Block) -> str:
    return f"http://{block.private(API_SERVER)}:2379"


async def _is_well(url: str) -> bool:
    """Whether a program says that it is well; its certificate is its own, and it is on this machine."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url, ssl=False) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
