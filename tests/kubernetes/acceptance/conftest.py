"""One cluster for all of these tests, and one controller process; each test has a namespace of its own."""

from __future__ import annotations

import itertools
import sys
from collections.abc import AsyncIterator

import pytest
import yaml
from tests.kubernetes.acceptance.shop import Shop
from tests.kubernetes.running import EXAMPLES, ROOT, Cluster
from tests.kubernetes.running import cluster as started
from tests.lab.program import Program

PROGRAM = ROOT / "tests" / "acceptance" / "busy.py"
BUSY = {f"registry.test/{name}": f"{sys.executable} {PROGRAM} {name} {{tag}}" for name in ("front", "back")}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop, as the cluster is of all tests."""
    return "asyncio"


@pytest.fixture(scope="package")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Kubernetes, Istio, a node and a gateway, with Laneway's kinds and rights."""
    images = tmp_path_factory.mktemp("images")
    (images / "laneway.yaml").write_text(yaml.safe_dump({"images": BUSY}))
    async with started(tmp_path_factory.mktemp("cluster"), more=[images]) as running:
        await running.apply(EXAMPLES / "shop" / "mesh.yaml", kinds={"Mesh"})
        yield running


@pytest.fixture(scope="package")
async def controller(cluster: Cluster) -> AsyncIterator[Program]:
    """The controller that leads; a test that ends it starts it again."""
    program = await cluster.controller_process("first")
    yield program
    await program.stop()


@pytest.fixture
async def namespace(cluster: Cluster) -> AsyncIterator[str]:
    """A fresh one; after the test everything in it goes, which nobody waits for."""
    name = f"shop-{next(_numbers)}"
    yield name
    await cluster.leave(name)


@pytest.fixture
def shop(cluster: Cluster, controller: Program, namespace: str) -> Shop:
    """A shop that is not there yet: `await shop.up()`."""
    return Shop(cluster, namespace)
