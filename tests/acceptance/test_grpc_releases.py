"""A release of a service that speaks gRPC, on real proxies: its guardrail reads how calls end."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from tests.acceptance.busy import echo_of
from tests.acceptance.running import Laneway, served
from tests.acceptance.test_under_mixed_load import deployment

pytestmark = pytest.mark.mesh

PROGRAM = Path(__file__).with_name("busy.py")
HOST = "rpc.test"
PUBLIC = f"""
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: public}}
spec:
  selector: {{istio: ingressgateway}}
  servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: ["{HOST}"]}}]
"""


def written(folder: Path, version: str, minimum: int = 10, **env: str) -> Path:
    """The files of the service in this version, which a guardrail watches at 50 %."""
    app = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": "App",
        "metadata": {"name": "rpc"},
        "spec": {
            "workload": {"deployment": "rpc"},
            "service": {"ports": [{"name": "grpc", "port": 9090}]},
            "routing": {"gateways": ["public"], "hosts": [HOST]},
            "release": {
                "steps": [{"weight": 50, "hold": "10m"}, {"weight": 100}],
                "judge": {"guardrails": [{"metric": "errors", "above": "5%", "minimum": minimum}]},
            },
        },
    }
    images = {"registry.test/rpc": f"{sys.executable} {PROGRAM} rpc {{tag}}"}
    (folder / "laneway.yaml").write_text(yaml.safe_dump({"images": images}))
    path = folder / "system.yaml"
    path.write_text(yaml.safe_dump_all([yaml.safe_load(PUBLIC), deployment("rpc", version, env), app]))
    return path


def codes(laneway: Laneway, calls: int) -> list[grpc.StatusCode]:
    """How so many calls at the gateway end."""

    async def ask() -> list[grpc.StatusCode]:
        host, port = laneway.address
        options = (("grpc.default_authority", HOST), ("grpc.enable_retries", 0))
        async with grpc.aio.insecure_channel(f"{host}:{port}", options=options) as channel:
            return [await one(channel) for _ in range(calls)]

    async def one(channel: grpc.aio.Channel) -> Any:
        call = echo_of(channel)(timeout=10)
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(1)
            await call.done_writing()
        with suppress(grpc.aio.AioRpcError):
            await call.read()
            await call.read()
        return await call.code()

    return asyncio.run(ask())


def fail(laneway: Laneway, calls: int) -> None:
    """Call until so many have failed."""
    while calls:
        calls -= codes(laneway, 1) != [grpc.StatusCode.OK]


def newest(laneway: Laneway) -> Any:
    """The newest release's record."""
    return laneway.json("release", "status", "rpc")["releases"][-1]


@pytest.fixture(scope="module")
def rpc(laneway: Laneway, folder: Path) -> Laneway:
    """The service in its first version."""
    laneway.up(written(folder, "v1"), options=("--isolation", "loopback"))
    return laneway


@pytest.mark.parametrize("status", ["UNAVAILABLE", "INTERNAL"])
def test_a_guardrail_rolls_back_a_version_whose_calls_fail(rpc: Laneway, folder: Path, status: str) -> None:
    """Each of its answers is an HTTP 200."""
    rpc.apply(written(folder, status.lower(), FAILS=status))
    rpc.until_served("rpc", 50)
    met = set()

    def rolled_back() -> bool:
        met.update(codes(rpc, 20))
        return bool(newest(rpc)["phase"] == "RolledBack")

    rpc.until("it is rolled back", rolled_back)
    assert met == {grpc.StatusCode.OK, grpc.StatusCode[status]}
    reason = newest(rpc)["reason"]
    assert reason.startswith("guardrail broken: ")
    assert reason.endswith("requests failed (100.00 %), allowed are 5 %")
    rpc.until("v1 has all calls", lambda: served(rpc.app("rpc")) == {"v1": 100})
    assert set(codes(rpc, 10)) == {grpc.StatusCode.OK}


def test_a_guardrail_s_counts_survive_the_daemon(rpc: Laneway, folder: Path) -> None:
    """Those before it was killed, and those of the time without it: proxies count on."""
    rpc.apply(written(folder, "bad", FAILS="DATA_LOSS", minimum=30))
    rpc.until_served("rpc", 50)
    fail(rpc, 20)
    counted = "20 of 20 requests failed"
    rpc.until("20 are counted", lambda: any(counted in f["text"] for f in rpc.status()["findings"]))
    rpc.kill_daemon()
    fail(rpc, 15)
    rpc.up()
    rpc.until("it is rolled back", lambda: newest(rpc)["phase"] == "RolledBack")
    assert "35 of 35 requests failed" in newest(rpc)["reason"]
