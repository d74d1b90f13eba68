"""`python -m tests.lab.node FOLDER...`: a control plane and a node with a gateway, to try things on.

FOLDER: one with a laneway.yaml, whose images the node knows. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import tempfile
from pathlib import Path

from tests.lab.control_plane import ControlPlane
from tests.lab.node import gateways
from tests.lab.node.images import Images
from tests.lab.node.metrics import Metrics
from tests.lab.node.node import Node


def main() -> None:
    """Start, say how to reach it, wait, end."""
    asked = argparse.ArgumentParser(prog="python -m tests.lab.node", description=__doc__)
    asked.add_argument("folder", type=Path, nargs="*")
    asked.add_argument("--istiods", type=int, default=1)
    options = asked.parse_args()
    logging.basicConfig(level=logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="lab-") as temporary:
        asyncio.run(_run(Path(temporary), Images.of(*options.folder), options.istiods))


async def _run(folder: Path, images: Images, istiods: int) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with (
        ControlPlane(folder, istiods=istiods) as lab,
        Node(lab, images) as node,
        Metrics(lab, node),
    ):
        await lab.apply(gateways.ingress())
        await node.until_ready(gateways.NAMESPACE, 1)
        print(f"  export KUBECONFIG={lab.kubeconfig}")
        print(f"  gateway: {node.ingress_url()}, pods' output: {node.logs}/*.log", flush=True)
        await ended.wait()


if __name__ == "__main__":
    main()
