"""The shop, each replica in a network of its own: a lane, and a canary under load while Laneway is killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.acceptance.flood import versions
from tests.acceptance.running import Laneway, served

from laneway.local.http1 import Request
from laneway.local.load import Load, Profile, in_background

pytestmark = [pytest.mark.mesh, pytest.mark.long]

SHOP = Path(__file__).parents[2] / "examples" / "shop"
HOST = "shop.example"
RATE = 25


@pytest.fixture(scope="module")
def shop(laneway: Laneway) -> Laneway:
    up = laneway.json("up", "-f", str(SHOP), "--isolation", "namespaces", "--detach")
    laneway.ingress = up["ingress"]
    return laneway


def test_every_service_answers_and_the_outside_host_too(shop: Laneway) -> None:
    """Through six pods that do not know each other's networks."""
    answer = shop.ask(HOST)
    assert answer["status"] == 200, answer
    assert versions(answer).keys() == {"page", "consultation", "appointment", "pharmacy", "inventory", "labs"}


def test_a_lane_is_met_with_its_header_alone(shop: Laneway) -> None:
    app = "--app=pharmacy=registry.example/shop/pharmacy:green"
    shop.json("lane", "up", "green", app, "-n", "shop", "--wait")
    assert versions(shop.ask(HOST, lane="green"))["pharmacy"] == "green"
    assert versions(shop.ask(HOST))["pharmacy"] == "blue"
    shop.json("lane", "rm", "green", "-n", "shop", "--wait")


def test_no_request_fails_while_a_canary_goes_on_without_laneway(shop: Laneway) -> None:
    """It is killed when the canary has its share, and the next one takes it to the end."""
    load = Load(
        shop.address,
        Profile(Request(HOST), RATE),
    )
    with in_background(load):
        shop.apply(SHOP / "releases" / "pharmacy-2.0.yaml")
        shop.until_served("pharmacy", 20)
        shop.kill_daemon()
        shop.json("up", "--detach")
        done = shop.run("release", "wait", "pharmacy", "-n", "shop", "--timeout", "60s")
        assert done.code == 0, done.err
    shop.until("one version has all", lambda: list(served(shop.app("pharmacy")).values()) == [100])
    assert load.counts().requests > RATE
    assert load.counts().errors == {}
