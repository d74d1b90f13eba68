"""A judge decides about releases by what proxies have counted of a real load, and a kill loses none of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Service, system, write

from laneway.local.http1 import Request
from laneway.local.load import Load, Profile, in_background

pytestmark = [pytest.mark.mesh, pytest.mark.long]

WIDE = {"name": "errors", "refuse": {"ratio": 1.25, "plus": 2}}
"""What a minute of traffic can exclude."""
STEPS = ({"weight": 20, "hold": "5s", "limit": "10m"}, {"weight": 100})
HOST = "judged.test"


@pytest.fixture(scope="module")
def shop(laneway: Laneway, folder: Path) -> Laneway:
    laneway.up(written(folder, service(folder)).parent)
    return laneway


@pytest.fixture
def load(shop: Laneway) -> Iterator[Load]:
    with in_background(Load(shop.address, Profile(Request(HOST), 100))) as load:
        yield load


def service(folder: Path) -> Service:
    return Service(
        "judged",
        hosts=(HOST,),
        replicas=4,
        steps=STEPS,
        spread_ms=10,
        fails=0.01,
        outage=str(folder / "outage"),
    )


def written(folder: Path, service: Service, *metrics: Any) -> Path:
    objects = system([service])
    for made in objects:
        if made["kind"] == "App":
            made["spec"]["release"] |= {"judge": {"metrics": list(metrics or (WIDE,))}}
    return write(folder, objects)


def newest(laneway: Laneway) -> Any:
    return laneway.json("release", "status", "judged")["releases"][-1]


def evidence(laneway: Laneway) -> str:
    """What the judge says now."""
    return next((f["text"] for f in laneway.status()["findings"] if f["code"] == "Judged"), "")


def test_a_version_that_fails_more_often_is_rolled_back(shop: Laneway, folder: Path, load: Load) -> None:
    """In its hold, with the numbers."""
    shop.apply(written(folder, replace(service(folder), version="bad", fails=0.1)))
    shop.until("it is rolled back", lambda: newest(shop)["phase"] == "RolledBack", 60)
    assert newest(shop)["reason"].startswith("the canary is worse than tolerated in errors")


def test_an_outage_of_all_rolls_nothing_back(shop: Laneway, folder: Path, load: Load) -> None:
    """And a daemon that is killed knows afterwards what it knew before; then the version goes on."""
    outage = folder / "outage"
    shop.apply(written(folder, replace(service(folder), version="good")))
    shop.until_served("judged", 20)
    shop.until("it is judged", lambda: "evidence" in evidence(shop))
    outage.touch()
    failed = load.counts().failed
    shop.until("requests fail", lambda: load.counts().failed > failed + 300)
    outage.unlink()
    assert newest(shop)["phase"] == "Progressing"
    shop.until("it is recorded", lambda: "judged" in record(shop))
    shop.kill_daemon()
    shop.up(folder)
    shop.until("it is promoted", lambda: newest(shop)["phase"] == "Promoted", 120)
    assert "requests failed" in newest(shop)["reason"]
    canary = int(newest(shop)["reason"].split(" of ")[1].split()[0].replace(",", ""))
    assert canary > 20 * 5, "what was counted before the kill counts"


def record(laneway: Laneway) -> Any:
    """The newest release's record, whole."""
    return laneway.json("get", "release")["items"][-1]["status"]


def test_a_slower_version_is_rolled_back(shop: Laneway, folder: Path, load: Load) -> None:
    """By how many of its requests are slower than an edge."""
    slow = replace(service(folder), version="slow", spread_ms=40)
    shop.apply(written(folder, slow, {"name": "latency", "warmUp": "0s"}))
    shop.until("it is rolled back", lambda: newest(shop)["phase"] == "RolledBack", 90)
    assert newest(shop)["reason"].startswith("the canary is worse than tolerated in latency")


def test_without_requests_nobody_is_sure(shop: Laneway, folder: Path) -> None:
    """The limit of the step ends it as the step says, and the reason says what is missing."""
    steps = ({"weight": 20, "hold": "1s", "limit": "5s", "onUnsure": "rollback"}, {"weight": 100})
    shop.apply(written(folder, replace(service(folder), version="idle", steps=steps)))
    shop.until("it is rolled back", lambda: newest(shop)["phase"] == "RolledBack", 60)
    assert newest(shop)["reason"].startswith("the judge is not sure after 5s")
