"""One API server for all of these tests, with everything installed; istiod is not needed."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from tests.kubernetes.install.cluster import Cluster
from tests.lab.control_plane import ControlPlane

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """A cluster in which Laneway is installed, without anybody who runs its controller."""
    async with ControlPlane(tmp_path_factory.mktemp("lab"), istiods=0) as lab:
        made = Cluster(lab)
        await made.install()
        yield made


@pytest.fixture
async def namespace(cluster: Cluster) -> AsyncIterator[str]:
    """A fresh namespace."""
    name = f"install-{next(_numbers)}"
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await cluster.lab.apply(made)
    yield name
    await cluster.lab.api.delete(made)
