"""kwok of a lab: nodes without machines, whose pods are Ready at once and do nothing.

Owns its command and its nodes. Must not know what runs on them.
"""

from __future__ import annotations

from pathlib import Path

import aiohttp
from tests.lab import cache
from tests.lab.addresses import API_SERVER, Block
from tests.lab.api import Object
from tests.lab.credentials import KWOK, Credentials
from tests.lab.program import Program

LABEL = {"type": "kwok"}
"""A node with this label is kwok's."""
_PORT = 10247


def kwok(folder: Path, block: Block, credentials: Credentials) -> Program:
    """kwok that has not been started. Its pods have addresses of 10.245/16."""
    command = [
        str(cache.program("kwok")),
        f"--kubeconfig={credentials.kubeconfig(KWOK)}",
        "--manage-all-nodes=false",
        *(f"--manage-nodes-with-label-selector={key}={value}" for key, value in LABEL.items()),
        f"--config={cache.document('kwok-stages.yaml')}",
        "--cidr=10.245.0.0/16",
        f"--server-address={block.private(API_SERVER)}:{_PORT}",
    ]
    return Program("kwok", command, folder)


async def is_ready(block: Block) -> bool:
    """Whether kwok serves."""
    url = f"http://{block.private(API_SERVER)}:{_PORT}/healthz"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def node(name: str) -> Object:
    """A node for kwok to play."""
    metadata = {"name": name, "labels": {**LABEL, "kubernetes.io/hostname": name}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}}
