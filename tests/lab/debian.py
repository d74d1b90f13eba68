"""Prometheus from Debian's archive, unpacked in the lab's cache: nothing of the system changes.

Owns fetching it. Must not know who asks it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.lab import cache


def fetch_prometheus() -> None:
    """Have a Prometheus; where there is no Debian to get it from, say so and go on: few tests need it."""
    try:
        cache.prometheus()
    except cache.NotBuilt:
        try:
            _unpack("prometheus", cache.unpacked_prometheus())
        except (OSError, subprocess.CalledProcessError) as failure:
            print(
                f"lab: no prometheus, for {failure}: the tests that ask it look in {cache.SYSTEM_PROMETHEUS}"
            )


def _unpack(package: str, target: Path) -> None:
    """Fetch a package, unpack it beside its place, then put it there in one step."""
    print(f"lab: {package} from Debian", flush=True)
    if os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
    with tempfile.TemporaryDirectory(prefix=f".{package}-", dir=cache.root()) as unfinished:
        subprocess.run(["apt-get", "download", "-qq", package], cwd=unfinished, check=True)
        archive = next(Path(unfinished).glob("*.deb"))
        subprocess.run(["dpkg", "-x", archive, Path(unfinished) / "done"], check=True)
        shutil.rmtree(target, ignore_errors=True)
        (Path(unfinished) / "done").rename(target)
