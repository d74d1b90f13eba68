"""One control plane for all of these tests; each writes what it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.kubernetes.confirm.mesh import SURROUNDINGS, Mesh
from tests.lab.control_plane import ControlPlane
from tests.lab.istiod import AUDIENCE


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop, as the control plane is of several tests."""
    return "asyncio"


@pytest.fixture(scope="package")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Two istiods that serve a service with two subsets."""
    async with ControlPlane(tmp_path_factory.mktemp("lab"), istiods=2) as lab:
        await lab.apply(SURROUNDINGS)
        token = await lab.service_account_token("istio-system", "laneway", AUDIENCE)
        made = Mesh(lab, token)
        await made.write_subsets("r-1", "r-2")
        await made.write_rules(0)
        yield made
