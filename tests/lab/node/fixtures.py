"""The node of a run of tests, beside the `lab` of `tests.lab.fixtures`; a folder's conftest imports it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.lab.control_plane import ControlPlane
from tests.lab.node.images import Images
from tests.lab.node.node import Node

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="session")
async def node(lab: ControlPlane) -> AsyncIterator[Node]:
    """Runs the pods of all tests; images of the examples are known to it."""
    async with Node(lab, Images.of(*(EXAMPLES / name for name in ("shop", "library", "market")))) as running:
        yield running
