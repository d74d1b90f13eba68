"""One cluster for the tests that leave its parts alone; each has namespaces of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from tests.kubernetes.faults.played import Played
from tests.kubernetes.faults.played import played as started
from tests.kubernetes.running import EXAMPLES, Cluster, cluster

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop, as the cluster is of all tests."""
    return "asyncio"


@pytest.fixture(scope="package")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """A cluster whose pods kwok plays."""
    async with started(tmp_path_factory.mktemp("played")) as running:
        yield running


@pytest.fixture
def namespace() -> str:
    """A name that no other test has."""
    return f"fault-{next(_numbers)}"


@pytest.fixture(scope="package")
async def meshed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """A cluster with real Envoys, and two istiods."""
    async with cluster(tmp_path_factory.mktemp("meshed"), istiods=2) as running:
        await running.apply(EXAMPLES / "shop" / "mesh.yaml", kinds={"Mesh"})
        yield running
