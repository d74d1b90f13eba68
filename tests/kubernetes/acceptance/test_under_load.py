"""Not one request fails on a real cluster while versions and lanes come and go; nothing is tried again.

An open-loop load runs at the gateway and through the mesh. Each test prints what was counted.
"""

from __future__ import annotations

import pytest
from tests.kubernetes.acceptance.loads import without_failure
from tests.kubernetes.acceptance.shop import Shop

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


async def test_a_canary_from_20_to_100_fails_no_request(shop: Shop) -> None:
    """Up to the last pod of the old version."""
    await shop.up()
    async with without_failure(shop, "20 to 100") as load:
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        await shop.until_phase("Promoted")
        await shop.until_served({"green": 100})
        await shop.until_pods(shop.replicas)
    assert load.versions == {"blue", "green"}
