"""Who says how a release on a real cluster goes on, and what becomes of it, under load that may not fail."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.acceptance.loads import without_failure
from tests.kubernetes.acceptance.shop import HELD, STEPS, Shop
from tests.kubernetes.acceptance.webhook import asked

from laneway.spec.release import Verb

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

RATE = 40
NOWHERE = "registry.example/shop/nowhere"
"""An image that no node has: its pods do not start."""


async def test_versions_that_do_not_start_get_no_request_until_a_good_one_comes(shop: Shop) -> None:
    """Good to bad, bad to bad, bad to good."""
    await shop.up()
    async with without_failure(shop, "bad versions", rate=RATE) as load:
        await shop.deploy("bad-1", image=NOWHERE)
        await shop.until_tags({"blue": 2, "bad-1": 1})
        await shop.deploy("bad-2", image=NOWHERE)
        await shop.until_tags({"blue": 2, "bad-2": 1})
        assert await shop.served() == {"blue": 100}
        await shop.deploy("green")
        await shop.until_served({"green": 100})
        await shop.until_pods(2)
    assert load.versions == {"blue", "green"}


async def test_a_version_that_does_not_start_in_time_is_rolled_back(shop: Shop) -> None:
    """By the step's limit."""
    slow = {"weight": 20, "hold": "1s", "limit": "4s", "onUnsure": "rollback"}
    shop.policy = {"steps": (slow, {"weight": 100})}
    await shop.up()
    async with without_failure(shop, "not in time", rate=RATE) as load:
        await shop.deploy("bad", image=NOWHERE)
        await shop.until_phase("RolledBack")
        await shop.until_pods(2)
    assert load.versions == {"blue"}


async def test_an_abort_a_retry_and_a_promotion(shop: Shop) -> None:
    """The refused version waits until somebody wants it again; then it goes through its steps."""
    shop.policy = {"steps": HELD}
    await shop.up()
    async with without_failure(shop, "abort, retry, promote", rate=RATE):
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        await shop.ask(Verb.ABORT)
        await shop.until_served({"blue": 100})
        await shop.until_finding("RevisionRefused")
        await shop.ask(Verb.RETRY)
        await shop.until_served({"blue": 80, "green": 20})
        await shop.ask(Verb.PROMOTE)
        await shop.until_served({"green": 100})
        await shop.until_pods(2)


async def test_a_paused_release_stays_until_it_is_resumed(shop: Shop) -> None:
    """Also where its hold has long been over; a newer version is not held by it."""
    shop.policy = {"steps": HELD}
    await shop.up()
    async with without_failure(shop, "paused", rate=RATE) as load:
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        await shop.ask(Verb.PAUSE)
        await shop.until_phase("Paused")
        shop.policy = {"steps": STEPS}
        await shop.rule()
        await load.more(80)
        assert await shop.served() == {"blue": 80, "green": 20}
        await shop.ask(Verb.RESUME)
        await shop.until_served({"green": 100})
        await shop.until_pods(2)


async def test_a_person_goes_past_a_hold(shop: Shop) -> None:
    """To the next step, and to the end."""
    shop.policy = {"steps": ({"weight": 20, "hold": "10m"}, {"weight": 50, "hold": "10m"}, {"weight": 100})}
    await shop.up()
    async with without_failure(shop, "skip and promote", rate=RATE):
        await shop.deploy("green")
        await shop.until_served({"blue": 80, "green": 20})
        await shop.ask(Verb.SKIP)
        await shop.until_served({"blue": 50, "green": 50})
        await shop.ask(Verb.PROMOTE)
        await shop.until_phase("Promoted")
        await shop.until_served({"green": 100})


async def test_blue_green_after_an_acceptance_test_at_the_new_version(shop: Shop) -> None:
    """The new version has its pods and no traffic while it is tested; the test fails the first one."""
    told: list[dict[str, Any]] = []

    async def accept(about: dict[str, Any]) -> bool:
        told.append(about)
        found = await shop.answers(headers={"x-version": "candidate"})
        return found[0]["status"] == 200 and not found[0]["price"] < 0

    async with asked(accept) as url:
        tested = {"weight": 0, "hold": "0s", "gates": [{"webhook": {"url": url}}]}
        shop.policy = {"steps": (tested, {"weight": 100}), "preview": {"header": "x-version"}}
        shop.scale = {"replicas": 2, "surge": "100%"}
        await shop.up()
        async with without_failure(shop, "blue/green with an acceptance test", rate=RATE) as load:
            await shop.deploy("green-bad")
            await shop.until_phase("RolledBack")
            await shop.until_pods(2)
            assert (told[0]["app"], told[0]["weight"]) == ("pharmacy", "0")
            await shop.deploy("green")
            await shop.until_phase("Promoted")
            await shop.until_served({"green": 100})
            await shop.until_pods(2)
    assert load.versions == {"blue", "green"}


async def test_a_release_waits_for_an_approval(shop: Shop) -> None:
    """Testers meet the new version by a header meanwhile."""
    shown = {"weight": 0, "hold": "0s", "gates": [{"approval": {}}]}
    shop.policy = {"steps": (shown, {"weight": 100}), "preview": {"header": "x-version"}}
    await shop.up()
    async with without_failure(shop, "approval", rate=RATE) as load:
        await shop.deploy("green")
        await shop.until_finding("AwaitingApproval")
        assert await shop.versions(20, headers={"x-version": "candidate"}) == {"green": 20}
        assert set(await load.more()) == {"blue"}
        await shop.ask(Verb.APPROVE)
        await shop.until_phase("Promoted")
        await shop.until_served({"green": 100})
