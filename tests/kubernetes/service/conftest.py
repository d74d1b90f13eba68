"""One API server for these tests, with Laneway installed; the tests themselves play the controller."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from tests.kubernetes.install.cluster import Cluster
from tests.kubernetes.service.played import Shop
from tests.lab.control_plane import ControlPlane

from laneway.kubernetes.api.access import access
from laneway.kubernetes.api.requests import open_requests
from laneway.kubernetes.service.service import Service

_numbers = itertools.count(1)
Opened = Callable[[], AbstractAsyncContextManager[Service]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for all tests of this folder, as the control plane is."""
    return "asyncio"


@pytest.fixture(scope="package")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """A cluster in which nobody runs Laneway's controller."""
    async with ControlPlane(tmp_path_factory.mktemp("lab"), istiods=0) as lab:
        made = Cluster(lab)
        await made.install()
        yield made


@pytest.fixture
async def shop(cluster: Cluster) -> AsyncIterator[Shop]:
    """A fresh namespace."""
    made = Shop(cluster.lab, f"shop-{next(_numbers)}")
    await made.begin()
    yield made
    await made.end()


@pytest.fixture
def opened(shop: Shop) -> Opened:
    """Opens the service that is tested, as one command has it."""

    @asynccontextmanager
    async def service() -> AsyncIterator[Service]:
        way = access(kubeconfig=shop.lab.kubeconfig)
        async with open_requests(way) as requests:
            made = Service(way, requests, frozenset({shop.namespace}))
            try:
                yield made
            finally:
                made.close()

    return service
