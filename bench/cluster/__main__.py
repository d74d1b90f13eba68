"""`python -m bench.cluster [NAME...]`: measures those of these names, or all that is built."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.lab import cache

from bench.cluster import rest
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
PROGRAMS = {"argo": "rollouts-controller", "flagger": "flagger"}
REST = "rest"


def main() -> None:
    """Print a line for each."""
    asked = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    asked.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join((*CONTENDERS, REST))}; default: all"
    )
    asked.add_argument("--apps", type=int, default=APPS)
    asked.add_argument("--at-rest", type=int, default=rest.APPS, help="apps that do nothing")
    asked.add_argument("--requests", action="store_true", help="tell what was asked of the API server")
    asked.add_argument("--profile", default="", metavar="FILE", help="for a profile of Laneway's process")
    asked.add_argument("--logs", type=Path, metavar="FOLDER", help="for what the measured processes log")
    given = asked.parse_args()
    named = given.names or [*CONTENDERS, REST]
    if rolling := [name for name in named if name in CONTENDERS]:
        print(f"\n{given.apps} apps × {REPLICAS} pods, all to a new version at once, 20 % → 1 s → 100 %")
    for name in rolling:
        _roll(name, given)
    if REST in named:
        _rest(given.at_rest)


def _roll(name: str, given: argparse.Namespace) -> None:
    if not _is_built(name):
        print(f"  {name:<20} not built: python -m tests.lab.build --peers", flush=True)
        return
    contender = Laneway(profile=given.profile) if given.profile else CONTENDERS[name]()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            taken = asyncio.run(rolled(contender, Path(folder) / "cluster", given.apps))
        finally:
            _keep_logs(Path(folder), given.logs, name)
    print(_line(contender.name, taken, given.apps), flush=True)
    if given.requests:
        for what, count in taken.requests.most_common():
            print(f"      {count:6}  {what}", flush=True)


def _is_built(name: str) -> bool:
    try:
        return name not in PROGRAMS or cache.program(PROGRAMS[name]).exists()
    except cache.NotBuilt:
        return False


def _keep_logs(folder: Path, logs: Path | None, name: str) -> None:
    written = folder / "cluster/lab/measured"
    if logs and written.exists():
        shutil.copytree(written, logs / name, dirs_exist_ok=True)


def _line(name: str, taken: Taken, apps: int) -> str:
    total = sum(taken.requests.values())
    return (
        f"  {name:<20} {taken.seconds:6.1f} s  {total:5} requests "
        f"({writes(taken.requests) / apps:.1f} writes for an app, {gets(taken.requests)} GETs)  "
        f"{taken.cpu:5.2f} CPU-s  {taken.memory_mb:4.0f} MB  {taken.before} → {taken.pods} pods"
    )


def _rest(apps: int) -> None:
    print(f"\n{apps} apps at rest, Laneway started with them there", flush=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = asyncio.run(rest.rested(Path(folder) / "cluster", apps))
    print(
        f"  {found.cpu:.2f} CPU-s in {rest.REST_SECONDS:.0f} s, {found.start_cpu:.1f} CPU-s to start, "
        f"{dict(found.writes) or 'no'} writes; {found.memory_mb:.0f} MB, {found.empty_mb:.0f} MB without: "
        f"{found.bytes_each:.0f} bytes for each of {found.objects} objects",
        flush=True,
    )
    print("  from a breach of a guardrail to its rules: not measured here, a Prometheus is not part of it")


if __name__ == "__main__":
    main()
