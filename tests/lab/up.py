"""`python -m tests.lab.up`: a control plane to try things on, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import signal
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from tests.lab.control_plane import ControlPlane
from tests.lab.istiod import SECURE_NAME


def main() -> None:
    """Start, say how to reach it, wait, end."""
    asked = argparse.ArgumentParser(prog="python -m tests.lab.up", description=__doc__)
    asked.add_argument("--istiods", type=int, default=1)
    asked.add_argument("--folder", type=Path, help="keep everything that is written there")
    asked.add_argument("--kwok", action="store_true", help="also a node `kwok` whose pods do nothing")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="lab-") as temporary:
        asyncio.run(_run(options.folder or Path(temporary), options.istiods, kwok=options.kwok))


async def _run(folder: Path, istiods: int, *, kwok: bool) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(ControlPlane(folder, istiods=istiods))
        if kwok:
            await stack.enter_async_context(lab.kwok("kwok"))
        print(f"ready after {time.monotonic() - began:.1f} s; Ctrl-C ends it")
        _describe(lab)
        await ended.wait()
    print("ended")


def _describe(lab: ControlPlane) -> None:
    print(f"  export KUBECONFIG={lab.kubeconfig}")
    for one in lab.istiods:
        print(f"  {one.pod}: grpc {one.grpc}, secure {one.secure} as {SECURE_NAME}, debug {one.debug}/debug")
    print(f"  istiods' authority: {lab.mesh_authority}")
    print(f"  logs: {lab.folder}/*.log", flush=True)


if __name__ == "__main__":
    main()
