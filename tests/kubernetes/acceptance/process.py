"""Laneway's controller as a process of its own, with the rights that are installed, so that it can be killed.

    python -m tests.kubernetes.acceptance.process KUBECONFIG ROOT_CERTIFICATE TOKEN_FILE IDENTITY

It leads before it acts. Owns how the parts are put together. Must not know what a test is about.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path

from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.confirm.wanted import Pod
from laneway.kubernetes.controller import Controller
from laneway.kubernetes.install.rights import LEASE
from laneway.kubernetes.lease import Leader, LeadershipLostError, Terms

NAMESPACE = "istio-system"
TERMS = Terms(lasts=9, renew_within=8, retry=0.5)
"""Shorter than in production, so that who was killed is not waited for long."""


async def live(kubeconfig: Path, root: Path, token: Path, identity: str) -> None:
    """Control the cluster whenever it leads, until ended."""
    way = Access(root=root.read_bytes, token=token.read_text)
    async with Server.open(access(kubeconfig=kubeconfig)) as server:
        while True:
            with suppress(LeadershipLostError):
                async with Leader(server, NAMESPACE, LEASE, identity, terms=TERMS).leading():
                    await control(server, way)


async def control(server: Server, way: Access) -> None:
    """Until cancelled."""
    made: list[Controller] = []

    def pods() -> list[Pod]:
        return [Pod(*key, gateway) for key, gateway in made[0].index.meshed.items()]

    made.append(Controller(server, Confirmations(way, pods=pods)))
    await made[0].run()


async def main() -> None:
    """Until SIGTERM."""
    kubeconfig, root, token = (Path(word) for word in sys.argv[1:4])
    running = asyncio.create_task(live(kubeconfig, root, token, sys.argv[4]))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    await asyncio.wait({running})
    if not running.cancelled():
        running.result()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(main())
