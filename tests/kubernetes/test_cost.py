"""What a release costs the API server: requests are counted, never time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from tests.kubernetes.confirm.ads_proxy import AdsProxy, connected
from tests.lab.api import MERGE, Object
from tests.lab.control_plane import ControlPlane
from tests.lab.istiod import AUDIENCE, NAMESPACE
from tests.lab.waiting import until

from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.server import Server
from laneway.kubernetes.confirm.access import Access
from laneway.kubernetes.confirm.confirmations import Confirmations
from laneway.kubernetes.confirm.wanted import Pod
from laneway.kubernetes.controller import Controller
from laneway.kubernetes.install.bundle import Options, bundle
from laneway.kubernetes.places import ACCOUNT
from laneway.spec.meta import Key

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""Time stands still: what is written now and then is not written at all."""
NODE, SHOP = "kwok-1", "shop"
WRITES = frozenset({"create", "apply", "patch", "scale", "delete"})
Counts = Counter[tuple[str, str]]
ROLL = Counter(
    {
        ("create", "Release"): 1,
        ("patch", "Release"): 3,  # begun, second step, promoted
        ("create", "ControllerRevision"): 1,
        ("patch", "ControllerRevision"): 2,  # stable, retired
        ("create", "Deployment"): 1,
        ("scale", "Deployment"): 2,
        ("delete", "Deployment"): 1,
        ("apply", "DestinationRule"): 2,
        ("apply", "VirtualService"): 2,
        ("patch", "App"): 2,  # it moves, it rests
    }
)
"""What a release in two steps writes: 17 requests, of which 8 are its record."""


@dataclass
class Shop:
    """A cluster whose pods do nothing, with one proxy, and a controller."""

    lab: ControlPlane
    server: Server
    controller: Controller

    async def until_served(self, image: str) -> None:
        """The App says that it serves this image alone, and nothing is left of others."""
        await until(lambda: self._serves(image), f"{image} is served", 120)
        await self.until_at_rest()

    async def until_at_rest(self) -> None:
        """Nothing is written for a while."""
        await until(self._rests, "nothing is written", 60)

    async def _serves(self, image: str) -> bool:
        status = self.controller.index.objects["App"][Key(SHOP, "page")].body().get("status") or {}
        stable = self.controller.index.template(Key(SHOP, "page"))
        assert stable is not None
        said = {each["type"]: each["status"] for each in status.get("conditions") or ()}
        running = [
            seen.body()["spec"]["template"]["spec"]["containers"][0]["image"]
            for seen in self.controller.index.objects["Deployment"].values()
            if seen.body()["spec"]["replicas"]
        ]
        return said.get("Ready") == "True" and said.get("Reconciling") == "False" and running == [image]

    async def _rests(self) -> bool:
        before = self.writes()
        await asyncio.sleep(2)
        return self.writes() == before

    def writes(self) -> Counts:
        """What was written until now, without what is told beside the work."""
        return Counter(
            {
                (verb, kind): count
                for (verb, kind), count in self.server.requests.items()
                if verb in WRITES and kind not in {"Event", "Lease"}
            }
        )


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """The page at its first version."""
    folder = tmp_path_factory.mktemp("cost")
    async with ControlPlane(folder / "lab") as lab, lab.kwok(NODE):
        for body in bundle(Options(image="laneway")):
            if body["kind"] != "Deployment":
                await lab.apply([body])
        await lab.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SHOP}}, _caller()])
        async with (
            connected(AdsProxy(lab.istiods[0].grpc, f"{SHOP}/caller")),
            Server.open(access(kubeconfig=lab.kubeconfig)) as server,
        ):
            token = await lab.service_account_token(NAMESPACE, ACCOUNT, AUDIENCE)
            way = Access(root=lab.mesh_authority.read_bytes, token=lambda: token)
            pods = [Pod(SHOP, "caller", gateway=False)]
            controller = Controller(server, Confirmations(way, pods=lambda: pods), now=lambda: NOON)
            running = asyncio.create_task(controller.run())
            await lab.apply(_page("a:1"))
            await until(lambda: _known(controller), "the App is known")
            found = Shop(lab, server, controller)
            await found.until_served("a:1")
            yield found
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def _known(controller: Controller) -> bool:
    return controller.index.template(Key(SHOP, "page")) is not None if controller.index.apps else False


async def test_a_roll_in_two_steps_is_few_writes_and_nothing_is_read(shop: Shop) -> None:
    before, reads = shop.writes(), _reads(shop)
    deployment, _ = _page("a:2")
    change = {"spec": {"template": deployment["spec"]["template"]}}
    await shop.lab.api.request("PATCH", await shop.lab.api.path(deployment), change, content=MERGE)
    await shop.until_served("a:2")
    wrote = shop.writes() - before
    assert _reads(shop) == reads, "everything is known by watching"
    assert wrote == ROLL, "a hold of more than 5 s adds one; each sub-shift three: rules, two sizes"


async def test_nothing_is_written_at_rest(shop: Shop) -> None:
    before = shop.writes()
    for kind in ("Deployment", "VirtualService", "DestinationRule", "Service", "App"):
        for key in list(shop.controller.index.objects[kind]):
            await shop.server.patch(kind, key, {"metadata": {"annotations": {"somebody": "else"}}})
    touched = shop.writes()
    await shop.until_at_rest()
    assert shop.writes() == touched
    assert touched != before


def _reads(shop: Shop) -> int:
    return sum(count for (verb, _), count in shop.server.requests.items() if verb == "get")


def _page(image: str) -> list[Object]:
    port = {"name": "http", "containerPort": 8080}
    container = {"name": "app", "image": image, "ports": [port]}
    template = {
        "metadata": {"labels": {"app": "page"}},
        "spec": {"nodeName": NODE, "containers": [container]},
    }
    metadata = {"name": "page", "namespace": SHOP}
    deployment = {"replicas": 5, "selector": {"matchLabels": {"app": "page"}}, "template": template}
    app = {
        "workload": {"deployment": "page"},
        "service": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
        "scale": {"surge": "100%"},
        "release": {"steps": [{"weight": 20, "hold": "0s"}, {"weight": 100, "hold": "0s"}]},
    }
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment},
        {"apiVersion": "laneway.dev/v1alpha1", "kind": "App", "metadata": metadata, "spec": app},
    ]


def _caller() -> Object:
    """A pod with a sidecar, which a proxy made by hand stands for."""
    containers = [{"name": name, "image": name} for name in ("app", "istio-proxy")]
    metadata = {"name": "caller", "namespace": SHOP}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": NODE, "containers": containers},
    }
