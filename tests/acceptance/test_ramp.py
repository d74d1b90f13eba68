"""A ramp on real proxies: its weight follows what the judge knows of real requests."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.flood import flood
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Service
from tests.acceptance.test_releases import HOST, newest, released, serves, written

from laneway.local.http1 import Request

pytestmark = pytest.mark.mesh

UNWRITTEN = ({"weight": 20}, {"weight": 100})
"""The steps that an App has without any: a ramp stands in their place."""
SOLO = Service("solo", hosts=(HOST,), replicas=4, retries={"attempts": 0}, steps=UNWRITTEN)
RAMP: dict[str, Any] = {
    "ramp": {"budget": "1%", "from": "10%", "to": "50%"},
    "judge": {"metrics": [{"name": "errors", "refuse": {"ratio": 1.25, "plus": "2%"}}]},
}


@pytest.fixture(scope="module")
def solo(laneway: Laneway, folder: Path) -> Laneway:
    laneway.up(written(folder, SOLO).parent)
    return laneway


def release(laneway: Laneway, folder: Path, service: Service) -> list[float]:
    """The weights of the new version under traffic, until its release is over."""
    released(laneway, folder, service, **RAMP)
    weights: list[float] = []

    def over() -> bool:
        flood(laneway.address, [Request(HOST, "/", {})] * 25, connections=4)
        record = newest(laneway)
        if not weights or weights[-1] != record["weight"]:
            weights.append(record["weight"])
        return record["phase"] in {"Promoted", "RolledBack"}

    laneway.until("the release is over", over, 240)
    return weights


def test_a_healthy_version_rises_with_what_is_known_of_it(solo: Laneway, folder: Path) -> None:
    weights = release(solo, folder, replace(SOLO, version="v2"))
    assert newest(solo)["phase"] == "Promoted"
    assert weights[0] == 10
    assert weights[-1] == 100
    ramp = weights[:-1]
    assert len(ramp) >= 2
    assert max(ramp) <= 50
    raises = [after / before for before, after in pairwise(ramp) if after > before]
    assert all(each >= 1.25 for each in raises)
    serves(solo, {"v2": 100})


def test_a_version_that_fails_stays_small_until_it_goes_back(solo: Laneway, folder: Path) -> None:
    weights = release(solo, folder, replace(SOLO, version="v3", fails=0.3))
    assert newest(solo)["phase"] == "RolledBack"
    assert max(weights) <= 20
    serves(solo, {"v2": 100})
