"""Laneway's controller as a process of its own, with the rights that are installed, so that it can be killed.

    python -m tests.kubernetes.acceptance.process KUBECONFIG ROOT_CERTIFICATE TOKEN_FILE IDENTITY

It leads before it acts. Owns how the parts are put together. Must not know what a test is about.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path

from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.confirm.wanted import Pod
from laneway.kubernetes.controller import Controller
from laneway.kubernetes.install.rights import LEASE
from laneway.kubernetes.lease import Leader, Terms

NAMESPACE = "istio-system"
TERMS = Terms(lasts=4, renew_within=3, retry=0.5)
"""Shorter than in production, so that who was killed is not waited for long."""


async def lead(kubeconfig: Path, root: Path, token: Path, identity: str) -> None:
    """Wait for leadership, and control the cluster until ended."""
    made: list[Controller] = []

    def pods() -> list[Pod]:
        return [Pod(*key, gateway) for key, gateway in made[0].index.meshed.items()]

    async with (
        Server.open(access(kubeconfig=kubeconfig)) as server,
        Leader(server, NAMESPACE, LEASE, identity, terms=TERMS).leading(),
    ):
        way = Access(root=root.read_bytes, token=token.read_text)
        made.append(Controller(server, Confirmations(way, pods=pods)))
        await made[0].run()


async def main() -> None:
    """Until SIGTERM."""
    kubeconfig, root, token = (Path(word) for word in sys.argv[1:4])
    running = asyncio.create_task(lead(kubeconfig, root, token, sys.argv[4]))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    await asyncio.wait({running})
    if not running.cancelled():
        running.result()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(main())
