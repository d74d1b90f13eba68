"""Pods come and go with real requests and real CPU, also during a canary, and not one request fails.

The load is open-loop and without retries, which would hide a drop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.acceptance.running import Laneway
from tests.acceptance.systems import Object, Service, deployment, system, write

from laneway.local.http1 import Request
from laneway.local.load import Load, Profile, in_background

pytestmark = pytest.mark.mesh

PER_POD = 20
REQUESTS = {
    "type": "Pods",
    "pods": {
        "metric": {"name": "requests_per_second"},
        "target": {"type": "AverageValue", "averageValue": PER_POD},
    },
}
SCALE = {
    "min": 1, "max": 6, "metrics": [REQUESTS], "behavior": {"scaleDown": {"stabilizationWindowSeconds": 3}},
}  # fmt: skip
WEB = Service("web", hosts=("web.test",), retries={"attempts": 0}, delay_ms=60, scale=SCALE)
BURNER = Service("burner", sidecar=False)
BURN = "while True: pass"


@pytest.fixture(scope="module")
def shop(laneway: Laneway, folder: Path) -> Laneway:
    laneway.up(write(folder, system([WEB])).parent, options=["--autoscaler-sync", "1s"])
    return laneway


@contextmanager
def requests_without_failure(laneway: Laneway, rate: int) -> Iterator[Load]:
    """So many requests per second; all of them are answered, and well."""
    load = Load(laneway.address, Profile(Request("web.test"), rate))
    with in_background(load):
        yield load
    assert load.counts().requests > rate
    assert load.counts().errors == {}


def wanted(laneway: Laneway) -> dict[str, int]:
    """Pods that each version of web is meant to have, by role."""
    versions = laneway.app("web")["versions"]
    return {v["role"]: v["replicas"]["wanted"] for v in versions if v["replicas"]["wanted"]}


def ready(laneway: Laneway) -> int:
    """Pods of web that take requests."""
    return sum(version["replicas"]["ready"] for version in laneway.app("web")["versions"])


def bounds(laneway: Laneway) -> list[tuple[int, int]]:
    """Of each autoscaler, in ascending order."""
    scalers = laneway.json("get", "hpa")["items"]
    return sorted((each["spec"]["minReplicas"], each["spec"]["maxReplicas"]) for each in scalers)


def used(laneway: Laneway) -> dict[str, float]:
    """What web uses by now."""
    (found,) = (item for item in laneway.json("top")["items"] if item["name"] == "web")
    return {name: found[name] for name in ("requestsPerSecond", "cpu", "memory")}


def test_pods_follow_the_requests_up_and_down(shop: Laneway) -> None:
    """Three pods' worth of requests makes three pods; with those gone, one is enough."""
    with requests_without_failure(shop, PER_POD // 4):
        with requests_without_failure(shop, 3 * PER_POD - PER_POD // 4):
            shop.until("three pods take requests", lambda: ready(shop) >= 3)
            # The kernel counts CPU in hundredths of a second: a little of it is none in some samples.
            shop.until("all of its use is measured", lambda: all(used(shop).values()))
            assert used(shop)["requestsPerSecond"] > PER_POD
        shop.until("one pod is left", lambda: shop.pods() == 1)
    changes = [e for e in shop.json("history", "web")["events"] if e["by"] == "autoscaler"]
    assert any("requests_per_second above target" in event["reason"] for event in changes)
    assert any("all metrics below target" in event["reason"] for event in changes)


def test_in_a_canary_what_the_greater_version_needs_makes_both_grow(shop: Laneway, folder: Path) -> None:
    """Each has an autoscaler for its share; the way back takes the load again."""
    with requests_without_failure(shop, PER_POD // 2):
        shop.apply(write(folder, system([replace(WEB, version="v2")])))
        shop.until_served("web", 20)
        assert wanted(shop) == {"stable": 1, "candidate": 1}
        assert bounds(shop) == [(1, 2), (1, 5)]
        with requests_without_failure(shop, 4 * PER_POD):
            shop.until("stable has what it needs", lambda: wanted(shop).get("stable", 0) >= 4)
            shop.until("all of them take requests", lambda: ready(shop) >= 5)
            shop.json("release", "abort", "web")
            done = shop.run("release", "wait", "web", "--timeout", "60s")
            assert done.code == 3, done.err
        shop.until("one pod is left", lambda: shop.pods() == 1)


def test_bounds_can_be_changed_from_the_command_line(shop: Laneway) -> None:
    """At once, whatever the load; a fixed size is refused while an autoscaler decides."""
    shop.json("scale", "web", "--min", "2", "--wait")
    assert wanted(shop) == {"stable": 2}
    refused = shop.run("scale", "web", "--replicas", "3")
    assert refused.code == 1 and "laneway scale web --min 3 --max 3" in refused.err
    shop.json("scale", "web", "--min", "1")
    shop.until("one pod is left", lambda: shop.pods() == 1)


def burner() -> list[Object]:
    """A Deployment outside any App that burns all the CPU it gets, and its autoscaler."""
    made = deployment(BURNER, ["python3", "-c", BURN])
    container = made["spec"]["template"]["spec"]["containers"][0]
    del container["readinessProbe"], container["ports"], made["spec"]["replicas"]
    container["resources"] = {"requests": {"cpu": "100m"}}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "burner"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "burner"}, "maxReplicas": 2},
    }
    return [made, scaler]


def test_a_deployment_with_an_autoscaler_of_its_own_follows_its_cpu(shop: Laneway, folder: Path) -> None:
    """80 % of the request where no metric is written; 0 pods park it."""

    def pods() -> int:
        (workload,) = shop.status()["workloads"]
        return workload["replicas"]["wanted"]

    shop.apply(write(folder, burner()))
    shop.until("its autoscaler has doubled it", lambda: pods() == 2)
    shop.json("scale", "burner", "--replicas", "0", "--wait")
    assert pods() == 0
