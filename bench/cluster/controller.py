"""`python -m bench.cluster.controller KUBECONFIG ROOT_CERTIFICATE TOKEN_FILE [PROFILE]`: Laneway, measured.

PROFILE: a file for what cProfile has found when this ends. Must not do anything that the product does not.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from cProfile import Profile
from pathlib import Path

from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.confirm.wanted import Pod
from laneway.kubernetes.controller import Controller
from laneway.kubernetes.install.rights import LEASE
from laneway.kubernetes.lease import Leader

NAMESPACE = "istio-system"


async def lead(kubeconfig: Path, root: Path, token: Path) -> None:
    """Wait for leadership, and control the cluster until ended."""
    made: list[Controller] = []

    def pods() -> list[Pod]:
        return [Pod(*key, gateway) for key, gateway in made[0].index.meshed.items()]

    async with (
        Server.open(access(kubeconfig=kubeconfig)) as server,
        Leader(server, NAMESPACE, LEASE, "bench").leading(),
    ):
        way = Access(root=root.read_bytes, token=token.read_text)
        made.append(Controller(server, Confirmations(way, pods=pods)))
        await made[0].run()


async def main() -> None:
    """Until SIGTERM; SIGUSR1 begins a profile."""
    running = asyncio.create_task(lead(*map(Path, sys.argv[1:4])))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, running.cancel)
    profile = Profile()
    if sys.argv[4:]:
        loop.add_signal_handler(signal.SIGUSR1, profile.enable)
    await asyncio.wait({running})
    if sys.argv[4:]:
        profile.disable()
        profile.dump_stats(sys.argv[4])
    if not running.cancelled():
        running.result()


if __name__ == "__main__":
    logging.basicConfig(
        level=os.environ.get("BENCH_LOG", "WARNING"), format="%(asctime)s %(name)s %(message)s"
    )
    asyncio.run(main())
