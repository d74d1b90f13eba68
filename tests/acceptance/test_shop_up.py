"""The example of the README: it comes up and routes, has a lane and an outside host, and prints JSON."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.acceptance.flood import Answer, flood, hops, versions
from tests.acceptance.running import PROGRAM, Laneway

from laneway.cli.demo.story import suggestions
from laneway.local.http1 import Request

pytestmark = pytest.mark.mesh

SHOP = Path(__file__).parents[2] / "examples" / "shop"
HOST = "shop.example"
ALL_BLUE = dict.fromkeys(("page", "consultation", "appointment", "pharmacy", "inventory"), "blue")


@pytest.fixture(scope="module")
def shop(laneway: Laneway) -> Laneway:
    laneway.up(SHOP)
    return laneway


@pytest.fixture(scope="module")
def green(shop: Laneway) -> Iterator[Laneway]:
    """The lane green of pharmacy and inventory."""
    apps = [f"--app={app}=registry.example/shop/{app}:green" for app in ("pharmacy", "inventory")]
    shop.json("lane", "up", "green", *apps, "-n", "shop", "--wait")
    yield shop
    shop.json("lane", "rm", "green", "-n", "shop", "--wait")


def inside(answer: Answer) -> dict[str, str]:
    """Versions on the way, the outside host left out."""
    return {service: version for service, version in versions(answer).items() if service != "labs"}


def names_of_lanes(laneway: Laneway) -> list[str]:
    return [lane["name"] for lane in laneway.json("lane", "ls")["lanes"]]


def test_up_returns_when_everything_is_ready_and_confirmed(shop: Laneway) -> None:
    """No app, no proxy is behind after `up`, and the ingress is an address of this machine."""
    status = shop.status()
    assert status["ready"] and status["confirmed"]
    assert urlsplit(shop.ingress).hostname == "127.0.0.1"


def test_one_request_shows_the_way_through_all_services(shop: Laneway) -> None:
    """page calls consultation (then appointment) and pharmacy (then inventory, then labs)."""
    answer = shop.ask(HOST)
    assert answer["status"] == 200
    called = [hop["service"] for hop in hops(answer)]
    assert called == ["page", "consultation", "appointment", "pharmacy", "inventory", "labs"]
    assert inside(answer) == ALL_BLUE


def test_two_apps_share_a_host_by_path(shop: Laneway) -> None:
    """The paths under /pharmacy are the pharmacy's, all others the page's."""
    asked = [shop.ask(HOST, path)["service"] for path in ("/", "/pharmacy", "/pharmacy/1", "/other")]
    assert asked == ["page", "pharmacy", "pharmacy", "page"]


def test_a_host_that_nobody_serves_is_not_found(shop: Laneway) -> None:
    """The gateway answers by itself."""
    assert shop.ask("elsewhere.example")["status"] == 404


def test_a_lane_is_green_where_it_deploys_and_blue_elsewhere(green: Laneway) -> None:
    """Two hops away from the header's sender, too; and nobody else sees it."""
    in_lane = green.ask(HOST, lane="green")
    assert inside(in_lane) == ALL_BLUE | {"pharmacy": "green", "inventory": "green"}
    assert inside(green.ask(HOST, lane="other")) == ALL_BLUE
    assert inside(green.ask(HOST)) == ALL_BLUE


def test_the_lane_header_does_not_leave_the_mesh(green: Laneway) -> None:
    """The partner outside gets the call through the egress gateway, which strips what is ours."""
    seen = {hop["service"]: hop["lane"] for hop in hops(green.ask(HOST, lane="green"))}
    assert seen["inventory"] == "green"
    assert seen["labs"] is None


def test_explain_names_the_rule_and_why_earlier_ones_did_not_match(green: Laneway) -> None:
    """For the lane, the lane's rule; for anybody else, why it did not match."""
    url = f"http://{HOST}/pharmacy"
    tagged = green.json("explain", "-n", "shop", "-H", "x-lane: green", url)["hops"][-1]
    assert tagged["rules"][-1]["matched"]
    assert "green" in tagged["targets"][0]["host"]
    assert len(tagged["targets"][0]["ready"]) == 1
    untagged = green.json("explain", "-n", "shop", url)["hops"][-1]
    assert [rule["matched"] for rule in untagged["rules"]] == [False] * (len(untagged["rules"]) - 1) + [True]
    assert any("x-lane" in rule["why"] for rule in untagged["rules"][:-1])
    assert [target["weight"] for target in untagged["targets"]] == [100]
    assert len(untagged["targets"][0]["ready"]) == 4


def test_explain_shows_that_an_outside_host_is_left_through_the_egress_gateway(shop: Laneway) -> None:
    """Two proxies decide: the caller's sidecar, then the gateway."""
    walked = shop.json("explain", "-n", "shop", "--from", "inventory", "http://labs.partner.example/")["hops"]
    assert len(walked) == 2
    assert "egress" in walked[1]["at"]


def test_lane_up_prints_the_header_and_url_to_use(shop: Laneway) -> None:
    """A script needs nothing else to reach the lane."""
    opened = shop.json("lane", "up", "try", "--app=pharmacy", "-n", "shop", "--ttl", "24h", "--wait")
    assert opened["url"] == shop.ingress
    tried = flood(shop.address, [Request(opened["host"], "/pharmacy", opened["header"])])[0]
    assert (tried["service"], tried["lane"]) == ("pharmacy", "try")
    assert "try" in tried["pod"]
    assert "try" in names_of_lanes(shop)
    shop.json("lane", "rm", "try", "-n", "shop", "--wait")
    assert "try" not in names_of_lanes(shop)


def test_a_second_up_on_the_same_state_is_refused(shop: Laneway) -> None:
    """It says who runs, and changes nothing."""
    refused = shop.run("up", "-f", str(SHOP), "--detach", "-o", "json")
    assert (refused.code, refused.out) == (1, "")
    assert str(shop.daemon) in refused.err
    assert shop.ask(HOST)["status"] == 200


def test_applying_the_same_files_again_starts_no_release(shop: Laneway) -> None:
    """What is as it was is not a change."""
    assert shop.json("apply", "-f", str(SHOP), "--wait")["releases"] == []


def test_nothing_is_applied_when_one_object_is_wrong(shop: Laneway, folder: Path) -> None:
    """The error names the place, and the other object of the file is not there."""
    good = (SHOP / "appointment.yaml").read_text().replace("appointment", "reminder")
    bad = folder / "bad.yaml"
    bad.write_text(
        good + "---\n" + good.replace("reminder", "remark").replace("containerPort", "containerPrt")
    )
    refused = shop.run("apply", "-f", str(bad))
    assert refused.code == 1
    assert f"{bad}:" in refused.err and "containerPrt" in refused.err
    assert {app["name"] for app in shop.status()["apps"]} == set(ALL_BLUE)


def test_many_requests_reach_every_pod_of_an_app(shop: Laneway) -> None:
    """Four replicas share the work."""
    answers = flood(shop.address, [Request(HOST, "/pharmacy")] * 200)
    assert len({answer["pod"] for answer in answers}) == 4


def test_the_commands_that_the_demo_suggests_work(shop: Laneway) -> None:
    """Typed one after the other, but for the first and the last: this module's own start and end."""
    place = os.environ | {"LANEWAY_STATE": str(shop.state), "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    port = str(shop.address[1])
    for command in suggestions("laneway", str(SHOP))[1:-1]:
        done = subprocess.run(
            ["bash", "-c", command.replace("8080", port)],
            env=place,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    assert versions(shop.ask(HOST))["pharmacy"] == "2.0"
