"""`python -m tests.lab.build`, which `make lab` calls: what is missing of the lab is built or fetched.

The first time takes a quarter of an hour on two cores, for Kubernetes and Istio are compiled; after that a
moment. What is built lies under a name made of its pins: new ones mean a new build, and the old is removed.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import cache, debian, kubernetes, prepared, toolchain
from tests.lab.addresses import NoAddresses
from tests.lab.control_plane import ControlPlane
from tests.lab.pins import EVERY, Document, Module


def main() -> int:
    """Make the lab complete, and say where it is."""
    asked = argparse.ArgumentParser(prog="python -m tests.lab.build", description=__doc__)
    asked.add_argument("--peers", action="store_true", help="also what Laneway is measured beside")
    with _alone():
        try:
            build(peers=asked.parse_args().peers)
        except subprocess.CalledProcessError as failed:
            print(f"lab: failed: {' '.join(map(str, failed.cmd))}", file=sys.stderr)
            return 1
        debian.fetch_prometheus()
        try:
            asyncio.run(_prepare())
        except NoAddresses as failure:
            print(f"lab: no store with Istio's kinds, every start will define them: {failure}")
    print(f"lab: ready in {cache.root()}")
    return 0


def build(*, peers: bool) -> None:
    """Build the modules that are not built.

    Raises:
        subprocess.CalledProcessError: Go could not be installed, or a program could not be built.
    """
    missing = [module for module in EVERY if (peers or not module.peer) and not cache.folder(module).exists()]
    if missing:
        go = toolchain.installed()
        for module in missing:
            _build(go, module)


async def _prepare() -> None:
    """Fill a store with Istio's kinds and keep it, so that no control plane has to begin with that."""
    if prepared.place().exists():
        return
    print("lab: a store with Istio's kinds", flush=True)
    with tempfile.TemporaryDirectory(prefix=".store-", dir=cache.root()) as unfinished:
        folder = Path(unfinished)
        async with ControlPlane(folder / "lab", istiods=0):
            pass
        prepared.copy(kubernetes.store(folder / "lab"), folder / "done")
        for old in cache.root().glob("store-*"):
            shutil.rmtree(old)
        (folder / "done").rename(prepared.place())


def _build(go: toolchain.Go, module: Module) -> None:
    """Build a module beside its place, then put it there in one step."""
    with tempfile.TemporaryDirectory(prefix=f".{module.name}-", dir=cache.root()) as unfinished:
        done = Path(unfinished) / "done"
        done.mkdir()
        for program, package in module.packages.items():
            _program(go, module, package, done / program)
        for document in module.brought:
            (done / document.name).write_text(_joined(go, module, document))
        _remove_others(module)
        done.rename(cache.folder(module))


def _program(go: toolchain.Go, module: Module, package: str, target: Path) -> None:
    print(f"lab: {target.name} …", end=" ", flush=True)
    began = time.monotonic()
    go.run("build", "-o", str(target), "-ldflags", module.linker_flags(), package, folder=module.folder)
    print(f"{time.monotonic() - began:.0f} s, {target.stat().st_size / 1e6:.0f} MB", flush=True)


def _joined(go: toolchain.Go, module: Module, document: Document) -> str:
    source = Path(go.run("list", "-m", "-f", "{{.Dir}}", document.module, folder=module.folder))
    files = [path for pattern in document.patterns for path in sorted(source.glob(pattern))]
    if not files:
        raise FileNotFoundError(f"{source} has none of {', '.join(document.patterns)}")
    return "\n---\n".join(path.read_text().strip() for path in files) + "\n"


def _remove_others(module: Module) -> None:
    """Nobody comes back to old pins."""
    for old in cache.root().glob(f"{module.name}-*"):
        shutil.rmtree(old)


@contextmanager
def _alone() -> Iterator[None]:
    """Two builds at once would do everything twice: the second one waits, and finds it done."""
    cache.root().mkdir(parents=True, exist_ok=True)
    with (cache.root() / ".building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
