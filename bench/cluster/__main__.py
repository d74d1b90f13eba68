"""`python -m bench.cluster [NAME...]`: measures those of these names, or all whose controllers are built."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.cluster.argo import Argo
from bench.cluster.audit import gets, writes
from bench.cluster.contender import Contender
from bench.cluster.flagger import Flagger
from bench.cluster.laneway import Laneway
from bench.cluster.roll import APPS, REPLICAS, Taken, rolled

CONTENDERS: Mapping[str, Callable[[], Contender]] = {
    "laneway": Laneway,
    "laneway-surge": lambda: Laneway(surge=50),
    "argo": Argo,
    "flagger": Flagger,
}


def main() -> None:
    """Print a line for each."""
    asked = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    asked.add_argument("names", nargs="*", choices=[*CONTENDERS, []])
    asked.add_argument("--apps", type=int, default=APPS)
    asked.add_argument("--requests", action="store_true", help="what was asked of the API server")
    asked.add_argument("--profile", default="", help="a file for a profile of Laneway's process")
    asked.add_argument("--logs", type=Path, help="a folder for what the measured processes log")
    given = asked.parse_args()
    print(
        f"\n{given.apps} apps × {REPLICAS} pods, all to a new version at once, 20 % → 1 s → 100 %", flush=True
    )
    for name in given.names or CONTENDERS:
        contender = Laneway(profile=given.profile) if given.profile else CONTENDERS[name]()
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            taken = asyncio.run(rolled(contender, Path(folder) / "cluster", given.apps))
            if given.logs:
                shutil.copytree(Path(folder) / "cluster/lab/measured", given.logs / name, dirs_exist_ok=True)
        print(_line(contender.name, taken, given.apps), flush=True)
        if given.requests:
            for what, count in taken.requests.most_common():
                print(f"      {count:6}  {what}")


def _line(name: str, taken: Taken, apps: int) -> str:
    total = sum(taken.requests.values())
    return (
        f"  {name:<22} {taken.seconds:6.1f} s  {total:5} requests "
        f"({writes(taken.requests) / apps:.1f} writes for an app, {gets(taken.requests)} GETs)  "
        f"{taken.cpu:5.2f} CPU-s  {taken.memory_mb:5.0f} MB  {taken.pods:4} pods"
    )


if __name__ == "__main__":
    main()
