"""A new version is rolled back, or goes on, by what real proxies have counted of real requests.

On a real cluster: Kubernetes' and Istio's control planes, Envoys, a Prometheus; see `relay` for the names of
what it reads. Prints how long the way back took from the scrape that showed the breach.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.kubernetes.acceptance.shop import HELD, Shop
from tests.kubernetes.evidence.relay import relay
from tests.kubernetes.evidence.running_prometheus import running
from tests.kubernetes.running import EXAMPLES, Cluster, cluster
from tests.lab.istiod import AUDIENCE, NAMESPACE

from laneway.control.metrics.prometheus import Prometheus, Source
from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.confirm.wanted import Pod
from laneway.kubernetes.controller import Controller
from laneway.kubernetes.evidence.counting import Counting
from laneway.local.http1 import Request
from laneway.local.load import Load, Profile, in_background
from laneway.spec.meta import Key

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

GUARDRAIL = {"metric": "errors", "above": "5%", "minimum": 10}
SCRAPED = "1s"


@pytest.fixture(scope="module")
async def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """With Laneway's kinds."""
    async with cluster(tmp_path_factory.mktemp("cluster")) as made:
        await made.apply(EXAMPLES / "shop" / "mesh.yaml", kinds={"Mesh"})
        yield made


@pytest.fixture
async def prometheus(running_cluster: Cluster, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of one that reads every pod's Envoy."""
    async with relay(running_cluster.node, SCRAPED) as job, running(tmp_path, [job]) as url:
        yield url


class Written:
    """When VirtualServices were written."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    async def __call__(self, verb: str, kind: str, key: Key) -> None:
        """A write."""
        if (kind, key.name) == ("VirtualService", "pharmacy"):
            self.moments.append(time.time())


@asynccontextmanager
async def controller(cluster: Cluster, prometheus: str, wrote: Written) -> AsyncIterator[Controller]:
    """One that counts; killed at the end."""
    token = await cluster.lab.service_account_token(NAMESPACE, "laneway", AUDIENCE)
    way = Access(root=cluster.lab.mesh_authority.read_bytes, token=lambda: token)
    made: list[Controller] = []

    def pods() -> list[Pod]:
        return [Pod(*key, gateway) for key, gateway in made[0].index.pods.meshed.items()]

    counting = Counting(Prometheus(Source(prometheus)))
    made.append(Controller(cluster.server, Confirmations(way, pods=pods), counting=counting, wrote=wrote))
    task = asyncio.create_task(made[0].run())
    try:
        yield made[0]
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def deploy_failing(shop: Shop) -> None:
    """A version whose pods are ready and answer with 502: it calls somebody who is not there."""
    deployment, app = shop.objects("pharmacy", "green")
    del deployment["spec"]["replicas"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": "CALLS", "value": "http://127.0.0.1:1/"}]
    await shop.cluster.put(app)
    await shop.cluster.put(deployment)


async def breach(prometheus: str, revision: str, began: datetime) -> float:
    """When the scrape began that showed the breach, in seconds since the epoch."""
    async with Prometheus(Source(prometheus)) as source:
        query = f'istio_requests_total{{destination_canonical_revision="{revision}",response_code="503"}}'
        every = timedelta(milliseconds=50)
        found = await source.between(
            f"sum({query}) >= {GUARDRAIL['minimum']}", began, datetime.now(UTC), every
        )
        seen = await source.between(f"max(timestamp({query}))", began, datetime.now(UTC), every)
    short = len(seen[0].values) - len(found[0].values)
    return seen[0].values[short]


async def test_a_version_that_fails_is_rolled_back(running_cluster: Cluster, prometheus: str) -> None:
    policy: dict[str, Any] = {"steps": HELD, "judge": {"guardrails": [GUARDRAIL]}}
    shop, wrote = Shop(running_cluster, "shop", replicas=1, policy=policy), Written()
    async with controller(running_cluster, prometheus, wrote):
        await shop.up()
        load = Load(shop.address, Profile(Request(shop.host, "/pharmacy"), rate=40))
        with in_background(load):
            began = datetime.now(UTC)
            await deploy_failing(shop)
            await shop.until_phase("RolledBack", seconds=240)
            await shop.until_served({"blue": 100})
        (release,) = await shop.releases()
        assert "guardrail broken" in release["status"]["reason"]
        revision = release["spec"]["apps"][0]["revision"]
        scraped = await breach(prometheus, revision, began)
        back = next(moment for moment in wrote.moments if moment > scraped)
        print(f"\nfrom the scrape that showed the breach to the VirtualService: {back - scraped:.2f} s")
        print(release["status"]["reason"])


JUDGE = {"metrics": [{"name": "errors", "refuse": {"ratio": 1.25, "plus": 2}}]}
"""A wide margin: the test's patience is that of a minute. Durations are no part of what is read here."""
STEPS = ({"weight": 50, "hold": "5s", "limit": "10m"}, {"weight": 100})


async def test_a_judge_rolls_a_worse_version_back_and_lets_a_good_one_go_on(
    running_cluster: Cluster, prometheus: str
) -> None:
    """The same verdicts as on one machine, by the same evidence; the record remembers it."""
    policy: dict[str, Any] = {"steps": STEPS, "judge": JUDGE}
    shop, wrote = Shop(running_cluster, "judged", replicas=2, policy=policy), Written()
    async with controller(running_cluster, prometheus, wrote):
        await shop.up()
        load = Load(shop.address, Profile(Request(shop.host, "/pharmacy"), rate=60))
        with in_background(load):
            began = time.monotonic()
            await deploy_failing(shop)
            await shop.until_phase("RolledBack", seconds=240)
            print(f"\nworse: rolled back {time.monotonic() - began:.1f} s after its template")
            await shop.until_served({"blue": 100})
            await shop.deploy("2.0")
            began = time.monotonic()
            await shop.until_phase("Promoted", seconds=400)
            print(f"acceptable: promoted {time.monotonic() - began:.1f} s after its template")
    reasons = {each["status"]["phase"]: each["status"]["reason"] for each in await shop.releases()}
    print(*reasons.values(), sep="\n")
    assert reasons["RolledBack"].startswith("the canary is worse than tolerated in errors")
    assert reasons["Promoted"].startswith("the canary is acceptable in every metric")
    assert all(each["status"]["judged"]["state"] for each in await shop.releases())
