"""Twenty pods: the split of a canary, counted, and the pods that a release holds at any time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.acceptance.binomial import interval
from tests.acceptance.flood import flood
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Service, system, write

from laneway.local.http1 import Request

pytestmark = pytest.mark.mesh

HOST = "wide.test"
WIDE = Service("wide", replicas=20, hosts=(HOST,))
SURGE_PODS_MAX = 25


@pytest.fixture(scope="module")
def wide(laneway: Laneway, folder: Path) -> Laneway:
    """Twenty pods of v1, and v2 held at 20 %."""
    laneway.up(write(folder, system([WIDE])).parent)
    laneway.apply(write(folder, system([replace(WIDE, version="v2")])))
    laneway.until_served("wide", 20)
    return laneway


def test_ten_thousand_requests_at_20_percent_lie_in_the_binomial_interval(wide: Laneway) -> None:
    """Exact 99.9 % interval, no approximation."""
    answers = flood(wide.address, [Request(HOST)] * 10_000, connections=32)
    assert {answer["status"] for answer in answers} == {200}
    least, greatest = interval(10_000, 0.2, 0.999)
    assert least <= sum(answer["version"] == "v2" for answer in answers) <= greatest


def test_a_release_of_twenty_pods_never_holds_more_than_twenty_five(wide: Laneway) -> None:
    """Read from the history, where each pod's begin and end stands; one version is left at rest."""
    wide.json("release", "promote", "wide")
    assert wide.run("release", "wait", "wide", "--timeout", "60s").code == 0
    wide.until("only twenty pods are left", lambda: wide.pods() == 20)
    wide.until_serves("wide", {"v2": 100})
    counts = pods_over_time(wide)
    assert counts[-1] == 20
    assert max(counts) <= SURGE_PODS_MAX


def pods_over_time(laneway: Laneway) -> list[int]:
    """How many pods there were after each event."""
    counts = [0]
    for event in laneway.json("history", "--limit", "10000")["events"]:
        if event["kind"] == "Pod" and event["change"] in ("created", "deleted"):
            counts.append(counts[-1] + (1 if event["change"] == "created" else -1))
    return counts
