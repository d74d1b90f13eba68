"""`python -m bench.judge.mesh [NAME...]`: whole releases on the embedded mesh, judged under a real load.

Each App has 100 requests a second of its own, in an open loop, of which 20 reach the canary. Prints how long
each release took from its first request at the new version on, and why it ended. Not part of the other
tables: all of it takes what such releases take, half an hour.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

from tests.acceptance.running import Laneway
from tests.acceptance.systems import Service, system, write

from laneway.local.http1 import Request
from laneway.local.load import Load, Profile, in_background

RATE = 100
STEPS = ({"weight": 20, "hold": "10s", "limit": "20m"}, {"weight": 100})
JUDGE = {"metrics": [{"name": "errors"}, {"name": "latency"}]}
OVER = ("Promoted", "RolledBack", "Paused")
SPREAD_MS = 20
HEALTHY, SIDE_BY_SIDE = 20, 4


@dataclass(frozen=True, slots=True)
class Ended:
    """A release that is over. seconds: since its version's first request."""

    name: str
    phase: str
    seconds: float
    reason: str

    def __str__(self) -> str:
        return f"{self.name:36} {self.phase:10} after {self.seconds:5.1f} s: {self.reason}"


class Shop:
    """Some Apps that answer at random, under a load each."""

    def __init__(self, folder: Path, apps: int, fails: float) -> None:
        self.outage = folder / "outage"
        self.laneway = Laneway(folder / "state")
        self._folder = folder / "system"
        self.services = {
            f"s{number}": Service(
                f"s{number}", hosts=(f"s{number}.test",), replicas=4, steps=STEPS, spread_ms=SPREAD_MS,
                fails=fails, outage=str(self.outage),
            )
            for number in range(apps)
        }  # fmt: skip

    def written(self) -> Path:
        """The files of all of them."""
        objects = system(list(self.services.values()))
        for made in objects:
            if made["kind"] == "App":
                made["spec"]["release"] |= {"judge": JUDGE}
        return write(self._folder, objects)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Up, and asked all the time."""
        try:
            self.laneway.up(self.written().parent)
            with ExitStack() as loads:
                for service in self.services.values():
                    profile = Profile(Request(service.hosts[0]), RATE)
                    loads.enter_context(in_background(Load(self.laneway.address, profile)))
                time.sleep(5)
                yield
        finally:
            self.laneway.end()

    def release(self, changes: Mapping[str, Service], stays: bool = False) -> Iterator[Ended]:
        """New versions of some services, as they end. stays: each service is what it was, afterwards."""
        before = dict(self.services)
        self.services |= changes
        self.laneway.apply(self.written())
        began: dict[str, float] = {}
        while changes.keys() - began.keys() or began:
            for name in set(changes) - set(began):
                if any(v["role"] == "candidate" and v["served"] for v in self.laneway.app(name)["versions"]):
                    began[name] = time.monotonic()
            for name in [each for each in began if began[each] > 0]:
                last = self._newest(name)
                if last["phase"] in OVER:
                    yield Ended(
                        changes[name].version, last["phase"], time.monotonic() - began[name], last["reason"]
                    )
                    began[name] = 0
            if all(name in began and not began[name] for name in changes):
                break
            time.sleep(0.2)
        if stays:
            self.services = before

    def _newest(self, name: str) -> Any:
        return self.laneway.json("release", "status", name)["releases"][-1]


def regressions(folder: Path) -> Iterator[str]:
    """One App, one release after the other."""
    shop = Shop(folder, 1, fails=0.001)
    stable = shop.services["s0"]
    worse = {
        "errors 0.1 -> 5 %": replace(stable, fails=0.05),
        "errors 0.1 -> 1 %": replace(stable, fails=0.01),
        "50 % slower": replace(stable, spread_ms=SPREAD_MS * 3 // 2),
    }
    with shop.running():
        for name, service in worse.items():
            version = replace(service, version=name.replace(" ", "-").replace("%", "p").replace("->", "to"))
            for ended in shop.release({"s0": version}, stays=True):
                yield f"{ended}"


def outage(folder: Path) -> Iterator[str]:
    """What both versions call is gone for ten seconds, in mid-release."""
    shop = Shop(folder, 1, fails=0.001)

    def gone() -> None:
        shop.laneway.until_served("s0", 20)
        time.sleep(5)
        shop.outage.touch()
        time.sleep(10)
        shop.outage.unlink()

    with shop.running():
        Thread(target=gone).start()
        yield from map(str, shop.release({"s0": replace(shop.services["s0"], version="shared-outage")}))


def healthy(folder: Path) -> Iterator[str]:
    """Versions that fail as often as those before, 1 %, one after the other and some side by side."""
    shop = Shop(folder, SIDE_BY_SIDE, fails=0.01)
    with shop.running():
        for turn in range(HEALTHY // SIDE_BY_SIDE):
            changes = {n: replace(s, version=f"healthy-{turn}-{n}") for n, s in shop.services.items()}
            yield from map(str, shop.release(changes))


PARTS = {"regressions": regressions, "outage": outage, "healthy": healthy}


def main(names: Sequence[str]) -> int:
    """Run these parts; exit status."""
    if unknown := set(names) - set(PARTS):
        print(f"no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for name in names or PARTS:
        with tempfile.TemporaryDirectory(prefix="laneway-judged-") as folder:
            for line in PARTS[name](Path(folder)):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
