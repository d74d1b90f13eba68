"""Ten lanes of ten services: no request strays, in either direction."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.acceptance.flood import flood, versions
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Object, Service, system, write

from laneway.local.http1 import Request

pytestmark = pytest.mark.mesh

SERVICES, LEAVES = 10, 5
LANES = [f"lane-{number}" for number in range(10)]
REQUESTS = 20_000


def host(number: int) -> str:
    return f"s{number}.test"


def services() -> list[Service]:
    """Half of them call another one; those that call nobody need no sidecar of their own."""
    return [
        Service(
            f"s{number}",
            version="baseline",
            hosts=(host(number),),
            calls=(f"http://s{number - LEAVES}/",) if number >= LEAVES else (),
            sidecar=number >= LEAVES,
        )
        for number in range(SERVICES)
    ]


def lane(name: str) -> Object:
    apps = [{"name": f"s{number}", "image": f"registry.test/s{number}:{name}"} for number in range(SERVICES)]
    metadata = {"name": name, "namespace": "default"}
    return {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "Lane",
        "metadata": metadata,
        "spec": {"apps": apps},
    }


def test_twenty_thousand_requests_in_ten_lanes_and_outside_of_them_do_not_stray(
    laneway: Laneway, folder: Path
) -> None:
    """Each hop is of the request's own lane, and of the baseline where the request has none."""
    laneway.up(write(folder, [*system(services()), *map(lane, LANES)]).parent)
    chosen = random.Random(20_000).choices([*LANES, ""], k=REQUESTS)
    requests = [
        Request(host(number % SERVICES), headers={"x-lane": lane} if lane else {})
        for number, lane in enumerate(chosen)
    ]
    answers = flood(laneway.address, requests, connections=32)
    assert {answer["status"] for answer in answers} == {200}
    strays = [
        (lane or "baseline", versions(answer))
        for lane, answer in zip(chosen, answers, strict=True)
        if set(versions(answer).values()) != {lane or "baseline"}
    ]
    assert strays == []
    assert sum(len(versions(answer)) for answer in answers) == REQUESTS * 3 // 2
