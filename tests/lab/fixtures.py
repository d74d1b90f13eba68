"""Fixtures for tests on real control planes; a folder of such tests imports them in its conftest.

One control plane serves all tests of a run, each in a namespace of its own. A test that stops parts, or that
needs another configuration, starts its own `ControlPlane`.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from tests.lab.api import Object
from tests.lab.control_plane import ControlPlane

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for the whole run, as the control plane is."""
    return "asyncio"


@pytest.fixture(scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ControlPlane]:
    """The control plane of this run, with one istiod."""
    async with ControlPlane(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
async def namespace(lab: ControlPlane) -> AsyncIterator[str]:
    """A fresh namespace; after the test it is being deleted, which nobody waits for."""
    name = f"test-{next(_numbers)}"
    made: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await lab.apply(made)
    yield name
    await lab.api.delete(made)
