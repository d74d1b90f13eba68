"""Real istiod says what the table says: its routes walked, and real Envoys of real pods that follow them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest
from tests.calls.answers import wrongs
from tests.calls.call import Row
from tests.calls.cluster import MESH, Cluster, images
from tests.calls.copies import copied, wanted
from tests.calls.envoy_walk import EnvoyWalk
from tests.calls.outcome import differences
from tests.calls.rows import ROWS, name
from tests.calls.world import made
from tests.lab.control_plane import ControlPlane
from tests.lab.node.node import Node
from tests.lab.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """The world, ready."""
    async with (
        ControlPlane(tmp_path_factory.mktemp("calls"), mesh=MESH) as lab,
        Node(lab, images()) as node,
    ):
        running = Cluster(lab, node)
        await running.apply(made())
        yield running


@pytest.fixture(scope="module")
async def walk(cluster: Cluster) -> EnvoyWalk:
    """What istiod serves."""
    return await cluster.walk()


@pytest.fixture(scope="module")
async def warm(cluster: Cluster) -> Cluster:
    """Every Envoy has every endpoint: no call of the table finds nobody, unless it is to."""
    for row in ROWS:
        if row.expect.status != 503:
            few = replace(row, expect=replace(row.expect, to=row.expect.to[:1]))
            await until(partial(_is_served, cluster, few), row.id)
    return cluster


async def _is_served(cluster: Cluster, row: Row) -> bool:
    return all(answer.status != 503 for answer in await cluster.answers(row, "warm"))


@pytest.mark.parametrize("row", ROWS, ids=name)
async def test_the_routes_of_istiod_say_what_the_table_says(walk: EnvoyWalk, row: Row) -> None:
    assert differences(row.expect, walk.outcome(row.call)) == []


@pytest.mark.parametrize("row", ROWS, ids=name)
async def test_envoys_under_istiod_do_what_the_table_says(warm: Cluster, row: Row) -> None:
    assert wrongs(row.expect, await warm.answers(row)) == []


async def test_copies_go_where_the_table_says(warm: Cluster) -> None:
    assert await copied(warm) == wanted()
