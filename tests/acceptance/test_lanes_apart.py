"""Many lanes of ten services: no request strays, in either direction."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.flood import flood, versions
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Object, Service, system, write

from laneway.local.http1 import Request

pytestmark = pytest.mark.mesh

SERVICES, LEAVES = 10, 5


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


@pytest.fixture
def laneway(tmp_path: Path) -> Iterator[Laneway]:
    """A state of its own for each number of lanes."""
    laneway = Laneway(tmp_path / "state")
    yield laneway
    laneway.end()


@pytest.mark.parametrize(("lanes", "asked"), [(4, 8_000), pytest.param(20, 100_000, marks=pytest.mark.long)])
def test_requests_in_lanes_and_outside_of_them_do_not_stray(
    laneway: Laneway, folder: Path, lanes: int, asked: int
) -> None:
    """Each hop is of the request's own lane, and of the baseline where the request has none."""
    names = [f"lane-{number}" for number in range(lanes)]
    laneway.up(write(folder, [*system(services()), *map(lane, names)]).parent, options=["--timeout", "5m"])
    chosen = random.Random(asked).choices([*names, ""], k=asked)
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
    hops = sum(len(versions(answer)) for answer in answers)
    print(f"{lanes} lanes of {SERVICES} services: {asked} requests, {hops} hops, {len(strays)} strays")
    assert strays == []
    assert hops == asked * 3 // 2
