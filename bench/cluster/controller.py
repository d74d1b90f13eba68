"""`python -m bench.cluster.controller KUBECONFIG ROOT_CERTIFICATE TOKEN_FILE [PROFILE]`: Laneway, measured.

As `laneway controller`, which takes neither a kubeconfig by its path nor PROFILE: a file for what cProfile
has found when this ends.
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
from laneway.kubernetes.run import Options, run

PORTS = 18_070, 18_071


async def main() -> None:
    """Until SIGTERM; SIGUSR1 begins a profile."""
    kubeconfig, certificate, token = map(Path, sys.argv[1:4])
    options = Options(
        access=access(kubeconfig=kubeconfig),
        identity="bench",
        token=token,
        certificate=certificate,
        health_port=PORTS[0],
        metrics_port=PORTS[1],
    )
    running = asyncio.create_task(run(options))
    loop, profile = asyncio.get_running_loop(), Profile()
    loop.add_signal_handler(signal.SIGTERM, running.cancel)
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
