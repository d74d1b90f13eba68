"""Not one request of any kind fails while versions, lanes and pods come and go; nothing is tried again.

An open-loop load of 100 requests per second, with bodies and new connections, and beside it requests of 5 s,
WebSockets, gRPC streams and TCP connections, runs through one service and what it calls. Each test prints
what was counted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.acceptance.mix import Mix
from tests.acceptance.running import Laneway, served

from laneway.local.load import in_background

pytestmark = pytest.mark.mesh

PROGRAM = Path(__file__).with_name("busy.py")
STEPS = [{"weight": 20, "hold": "2s"}, {"weight": 100}]
HELD = [{"weight": 20, "hold": "10m"}, {"weight": 100}]
NO_RETRIES = {"retries": {"attempts": 0}}
PODS = 4

SYSTEM = """
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: front}, ports: [{name: http, port: 80, targetPort: 8080}, {name: grpc, port: 9090}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*.test"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front}
spec:
  hosts: [busy.test]
  gateways: [public]
  http: [{retries: {attempts: 0}, route: [{destination: {host: front, port: {number: 80}}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front-grpc}
spec:
  hosts: [rpc.busy.test]
  gateways: [public]
  http: [{retries: {attempts: 0}, route: [{destination: {host: front, port: {number: 9090}}}]}]
"""


def deployment(name: str, version: str, env: Mapping[str, str], replicas: int = 2) -> dict[str, Any]:
    """A service's Deployment."""
    container = {
        "name": "main",
        "image": f"registry.test/{name}:{version}",
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "ports": [
            {"name": "http", "containerPort": 8080},
            {"name": "grpc", "containerPort": 9090},
            {"name": "tcp", "containerPort": 9191},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1},
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 30}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    selector = {"matchLabels": {"app": name}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    }


def system(version: str, **release: Any) -> list[dict[str, Any]]:
    """The front, plain, and the app behind it in this version. release: how that is released."""
    ports = [
        {"name": "http", "port": 80, "targetPort": 8080},
        {"name": "grpc", "port": 9090},
        {"name": "tcp", "port": 9191},
    ]
    app = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "App",
        "metadata": {"name": "back"},
        "spec": {
            "workload": {"deployment": "back"},
            "service": {"ports": ports},
            "routing": {"http": [NO_RETRIES]},
            "release": {"steps": STEPS, **release},
        },
    }
    behind = {
        "BACK": "$(BACK_SERVICE_HOST):$(BACK_SERVICE_PORT)",
        "BACK_GRPC": "$(BACK_SERVICE_HOST):$(BACK_SERVICE_PORT_GRPC)",
        "BACK_TCP": "$(BACK_SERVICE_HOST):$(BACK_SERVICE_PORT_TCP)",
    }
    front = deployment("front", "v1", behind)
    return [*yaml.safe_load_all(SYSTEM), front, deployment("back", version, {}), app]


@pytest.fixture(scope="module", params=[pytest.param("loopback", marks=pytest.mark.long), "namespaces"])
def isolation(request: pytest.FixtureRequest) -> str:
    """How replicas are kept apart."""
    return str(request.param)


@pytest.fixture(scope="module")
def laneway(tmp_path_factory: pytest.TempPathFactory, isolation: str) -> Iterator[Laneway]:
    """A state of its own for each."""
    laneway = Laneway(tmp_path_factory.mktemp(isolation) / "state")
    yield laneway
    laneway.end()


@pytest.fixture(scope="module")
def shop(laneway: Laneway, folder: Path, isolation: str) -> Laneway:
    """The system in its first version."""
    command = f"{sys.executable} {PROGRAM}"
    images = {f"registry.test/{name}": f"{command} {name} {{tag}}" for name in ("front", "back")}
    (folder / "laneway.yaml").write_text(yaml.safe_dump({"images": images}))
    laneway.up(write(folder, system("v1")), options=("--isolation", isolation))
    return laneway


def write(folder: Path, objects: list[dict[str, Any]]) -> Path:
    """The file of the system."""
    path = folder / "system.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return path


@contextmanager
def without_failure(laneway: Laneway, what: str, lane: str = "") -> Iterator[Mix]:
    """The load; everything that was begun has to end well."""
    mix = Mix(laneway.address, {"x-lane": lane} if lane else {})
    with in_background(mix):
        laneway.until("every kind is under way", lambda: all(c.begun for c in mix.counted.values()))
        yield mix
    print(f"{laneway.state.parent.name} {what}: {mix.line()}")
    assert mix.failures() == {}
    assert all(counted.ended for counted in mix.counted.values())
    assert laneway.sent_again("") == 0, "nothing was sent to a pod that did not take it"


def released(laneway: Laneway, code: int = 0) -> None:
    """Waits for the end of the release."""
    done = laneway.run("release", "wait", "back", "--timeout", "80s")
    assert done.code == code, done.err


def at_rest(laneway: Laneway) -> None:
    """Waits until the old pods are gone."""
    laneway.until("old pods are gone", lambda: laneway.pods() == PODS, seconds=80)


def test_a_canary_and_its_promotion(shop: Laneway, folder: Path) -> None:
    """Up to the last pod of the old version, which waits for its streams."""
    with without_failure(shop, "canary and promotion") as mix:
        shop.apply(write(folder, system("v2")))
        released(shop)
        at_rest(shop)
    assert set(mix.short.counts().labels) == {"v1", "v2"}
    shop.until_serves("back", {"v2": 100})


@pytest.mark.long
def test_a_newer_version_supersedes_a_canary(shop: Laneway, folder: Path) -> None:
    """The first canary gives its weight back, the second takes over."""
    with without_failure(shop, "supersede") as mix:
        shop.apply(write(folder, system("v3", steps=HELD)))
        shop.until_served("back", 20)
        shop.apply(write(folder, system("v4")))
        shop.until("v4 is released", lambda: "v4" in served(shop.app("back")), seconds=60)
        released(shop)
        at_rest(shop)
    assert {"v3", "v4"} < set(mix.short.counts().labels)


@pytest.mark.long
def test_an_abort_at_20_percent(shop: Laneway, folder: Path) -> None:
    """All traffic is back at the version before."""
    with without_failure(shop, "abort") as mix:
        shop.apply(write(folder, system("v5", steps=HELD)))
        shop.until_served("back", 20)
        shop.json("release", "abort", "back")
        released(shop, 3)
        at_rest(shop)
    assert "v5" in mix.short.counts().labels
    shop.until_serves("back", {"v4": 100})


@pytest.mark.long
def test_an_undo_after_promotion(shop: Laneway, folder: Path) -> None:
    """The old version was kept warm."""
    with without_failure(shop, "undo") as mix:
        shop.apply(write(folder, system("v6", keepOld="10m")))
        released(shop)
        shop.json("release", "undo", "back")
        shop.until("v4 is back", lambda: served(shop.app("back")) == {"v4": 100})
        at_rest(shop)
    assert {"v4", "v6"} <= set(mix.short.counts().labels)


@pytest.mark.long
def test_a_lane_that_comes_and_goes(shop: Laneway) -> None:
    """For requests in it and outside of it."""
    with (
        without_failure(shop, "lane, outside") as outside,
        without_failure(shop, "lane, inside", "try") as inside,
    ):
        shop.json("lane", "up", "try", "--app=back=registry.test/back:lane", "--wait")
        shop.until("the lane serves", lambda: "lane" in inside.short.counts().labels)
        shop.json("lane", "rm", "try", "--wait")
    assert "lane" not in outside.short.counts().labels


@pytest.mark.long
def test_pods_come_and_go(shop: Laneway) -> None:
    """As an autoscaler makes them."""
    with without_failure(shop, "more pods and fewer"):
        shop.json("scale", "back", "--replicas", "4")
        shop.until("four pods serve", lambda: shop.pods() == PODS + 2)
        shop.json("scale", "back", "--replicas", "2")
        at_rest(shop)


@pytest.mark.long
def test_laneway_is_killed_and_started_again_in_mid_canary(shop: Laneway, folder: Path) -> None:
    """Pods and proxies serve on without it."""
    with without_failure(shop, "restart of laneway"):
        shop.apply(write(folder, system("v7", steps=[{"weight": 20, "hold": "4s"}, {"weight": 100}])))
        shop.until_served("back", 20)
        shop.kill_daemon()
        shop.up()
        released(shop)
        at_rest(shop)
    shop.until_serves("back", {"v7": 100})
