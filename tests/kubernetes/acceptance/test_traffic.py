"""Who meets which version while an app is released on a real cluster, under load that may not fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from tests.kubernetes.acceptance.loads import without_failure
from tests.kubernetes.acceptance.shop import HELD, STEPS, Shop

from laneway.local.http1 import Connection
from laneway.local.http1 import Request as Asked
from laneway.spec.release import Verb

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

RATE = 40
SHOWN = ({"weight": 0, "hold": "10m"}, {"weight": 50, "hold": "10m"}, {"weight": 100})
CANDIDATE, STABLE = {"x-version": "candidate"}, {"x-version": "stable"}


async def test_a_header_chooses_the_version_before_it_has_weight_and_after(shop: Shop) -> None:
    """Everybody else is drawn by weight; after the release the header says nothing."""
    shop.policy = {"steps": SHOWN, "preview": {"header": "x-version"}}
    await shop.up()
    async with without_failure(shop, "preview", rate=RATE) as load:
        await shop.deploy("green")
        await shop.cluster.until(lambda: _meets(shop, CANDIDATE, "green"), "the candidate can be asked for")
        assert await shop.versions(20, headers=STABLE) == {"blue": 20}
        assert set(await load.more()) == {"blue"}
        await shop.ask(Verb.SKIP)
        await shop.until_served({"blue": 50, "green": 50})
        assert await shop.versions(20, headers=CANDIDATE) == {"green": 20}
        assert await shop.versions(20, headers=STABLE) == {"blue": 20}
        assert set(await load.more(50)) == {"blue", "green"}
        await shop.ask(Verb.PROMOTE)
        await shop.until_served({"green": 100})
        await shop.until_pods(shop.replicas)
        assert await shop.versions(20, headers=STABLE) == {"green": 20}


async def _meets(shop: Shop, headers: Mapping[str, str], version: str) -> bool:
    return await shop.versions(5, headers=headers) == {version: 5}


async def test_a_browser_stays_with_its_version_until_the_release_is_over(shop: Shop) -> None:
    """By a cookie; one that names what is gone is of no consequence."""
    shop.policy = {"steps": ({"weight": 50, "hold": "10m"}, {"weight": 100}), "sticky": {"cookie": "lw"}}
    await shop.up()
    async with without_failure(shop, "sticky", rate=RATE):
        await shop.deploy("green")
        await shop.until_served({"blue": 50, "green": 50})
        cookies = {version: cookie async for version, cookie in _visits(shop)}
        for version, cookie in cookies.items():
            assert await shop.versions(30, headers={"cookie": f"a=b; {cookie}"}) == {version: 30}
        await shop.ask(Verb.PROMOTE)
        await shop.until_served({"green": 100})
        await shop.until_pods(shop.replicas)
        for cookie in cookies.values():
            assert await shop.versions(10, headers={"cookie": cookie}) == {"green": 10}
        assert (await _visit(shop))[1] == ""


async def _visits(shop: Shop) -> AsyncIterator[tuple[str, str]]:
    """Visits of new browsers, until each version was met."""
    seen: set[str] = set()
    while len(seen) < 2:
        version, cookie = await _visit(shop)
        seen.add(version)
        yield version, cookie


async def _visit(shop: Shop) -> tuple[str, str]:
    """The version that a new browser is drawn to, and the cookie that it is given."""
    connection = await Connection.open(shop.address)
    response = await connection.ask(Asked(shop.host, "/pharmacy").encoded())
    connection.close()
    assert response.status == 200, response
    version = "green" if b'"version": "green"' in response.body.partition(b'"hops"')[0] else "blue"
    return version, response.headers.get("set-cookie", "").partition(";")[0]


async def test_a_rule_that_mirrors_goes_on_while_weights_change(shop: Shop) -> None:
    """The copies reach whom the rule says, whatever versions answer."""
    shop.rules = {"mirror": {"host": f"page.{shop.namespace}.svc.cluster.local", "port": {"number": 80}}}
    shop.policy = {"steps": HELD}
    await shop.up()
    async with without_failure(shop, "mirror", rate=RATE):
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        before = _copies(shop)
        await shop.cluster.until(lambda: _more_copies(shop, before), "copies at 20 %")
        await shop.ask(Verb.PROMOTE)
        await shop.until_served({"green": 100})
        before = _copies(shop)
        await shop.cluster.until(lambda: _more_copies(shop, before), "copies after the promotion")


async def _more_copies(shop: Shop, than: int) -> bool:
    return _copies(shop) > than


def _copies(shop: Shop) -> int:
    """Requests that the page has got by the pharmacy's path."""
    logs = shop.cluster.node.logs.glob(f"{shop.namespace}_page-*_page.log")
    return sum(log.read_text().count(" /pharmacy ") for log in logs)


async def test_a_subset_means_the_same_pods_through_one_release_after_another(shop: Shop) -> None:
    """None is ever repointed: two releases and an abort, one right after the other."""
    await shop.up()
    async with _subsets(shop) as meanings, without_failure(shop, "one after another", rate=RATE) as load:
        for version in ("green", "2.0"):
            await shop.deploy(version)
            await shop.until_served({version: 100})
        shop.policy = {"steps": HELD}
        await shop.deploy("3.0")
        await shop.until_served({"2.0": 80, "3.0": 20})
        await shop.deploy("2.0")
        await shop.until_served({"2.0": 100})
        await shop.until_pods(shop.replicas)
    assert {"blue", "green", "2.0"} <= load.versions
    assert len(meanings) == 4
    assert all(len(labels) == 1 for labels in meanings.values()), meanings


@asynccontextmanager
async def _subsets(shop: Shop) -> AsyncIterator[dict[str, set[str]]]:
    """The labels that each subset of the pharmacy was seen to select, by its name."""
    found: dict[str, set[str]] = {}

    async def look() -> None:
        while True:
            rule = await shop.cluster.get("DestinationRule", shop.namespace, "pharmacy")
            for subset in rule["spec"]["subsets"]:
                found.setdefault(subset["name"], set()).add(repr(sorted(subset["labels"].items())))
            await asyncio.sleep(0.1)

    looking = asyncio.create_task(look())
    try:
        yield found
    finally:
        looking.cancel()


async def test_a_newer_version_at_weight_0_takes_the_place_of_the_one_before(shop: Shop) -> None:
    """Nobody met the first; its pods go, and the second has its own."""
    shop.policy = {"steps": SHOWN}
    await shop.up()
    async with without_failure(shop, "newer at weight 0", rate=RATE) as load:
        await shop.deploy("green")
        await shop.until_tags({"blue": 2, "green": 1})
        await shop.deploy("2.0")
        await shop.until_tags({"blue": 2, "2.0": 1})
        assert set(await load.more()) == {"blue"}
        shop.policy = {"steps": STEPS}
        await shop.deploy("2.0")
        await shop.until_served({"2.0": 100})
    assert load.versions == {"blue", "2.0"}
