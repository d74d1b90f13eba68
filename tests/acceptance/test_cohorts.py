"""Two apps in one release on real Envoys: no request meets both versions; testers and browsers get theirs."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tests.acceptance.flood import Answer, flood, versions
from tests.acceptance.running import Laneway, served
from tests.acceptance.systems import Object, Service, system, write

from laneway.local.http1 import Connection, Request

pytestmark = pytest.mark.mesh

HOST = "front.test"
STEPS = ({"weight": 0, "hold": "10m"}, {"weight": 50, "hold": "10m"}, {"weight": 100})
BACK = Service("back", replicas=2, steps=STEPS)
FRONT = Service("front", replicas=2, hosts=(HOST,), calls=(BACK.url,), steps=STEPS)
BOTH = [FRONT, BACK]


def with_policy(objects: list[Object]) -> list[Object]:
    """The entry has a preview header and a cookie."""
    for made in objects:
        if made["kind"] == "App" and made["metadata"]["name"] == "front":
            made["spec"]["release"] |= {"preview": {"header": "x-version"}, "sticky": {"cookie": "lw"}}
    return objects


@pytest.fixture(scope="module")
def both(laneway: Laneway, folder: Path) -> Laneway:
    """Both at v1, then both to v2 in one release, which stays at 0 %."""
    laneway.up(write(folder, with_policy(system(BOTH))).parent)
    v2 = with_policy(system([replace(service, version="v2") for service in BOTH]))
    laneway.apply(write(folder, v2), "--together", "both")
    laneway.until("the candidates can be asked for", lambda: asked(laneway, "candidate") == "v2")
    return laneway


def asked(laneway: Laneway, version: str) -> str:
    """The version of the entry that a tester reaches."""
    return str(answered(laneway, {"x-version": version}).get("version"))


def answered(laneway: Laneway, headers: dict[str, str]) -> Answer:
    """The answer to a request with these headers."""
    return flood(laneway.address, [Request(HOST, "/", headers)])[0]


def pairs(laneway: Laneway, count: int, headers: dict[str, str] | None = None) -> Counter[tuple[str, str]]:
    """Versions of the two apps that requests met; each has to succeed."""
    answers = flood(laneway.address, [Request(HOST, "/", headers or {})] * count)
    assert {answer["status"] for answer in answers} == {200}, answers
    return Counter((versions(answer)["front"], versions(answer)["back"]) for answer in answers)


def test_a_tester_meets_the_new_versions_before_they_have_weight(both: Laneway) -> None:
    """At both hops, though only the first looks at the header; everybody else meets the old ones."""
    for app in ("front", "back"):
        both.until_serves(app, {"v1": 100})
    assert pairs(both, 20, {"x-version": "candidate"}) == {("v2", "v2"): 20}
    assert pairs(both, 20, {"x-version": "stable"}) == {("v1", "v1"): 20}
    assert pairs(both, 20) == {("v1", "v1"): 20}


def test_a_cohort_from_outside_is_not_believed(both: Laneway) -> None:
    """A stranger does not get himself the new versions."""
    assert pairs(both, 20, {"x-laneway-cohort": "default.both.candidate"}) == {("v1", "v1"): 20}


def test_no_request_mixes_versions_on_the_way_to_half(both: Laneway) -> None:
    """While weights change, and then over 1,000 requests at 50 %."""
    both.json("release", "skip", "back")
    seen: Counter[tuple[str, str]] = Counter()
    while not (served(both.app("front")) == served(both.app("back")) == {"v1": 50, "v2": 50}):
        seen += pairs(both, 50)
    seen += pairs(both, 1_000)
    assert set(seen) == {("v1", "v1"), ("v2", "v2")}
    assert 350 < seen["v2", "v2"] < 650 + sum(seen.values()) - 1_000
    assert pairs(both, 50, {"x-lane": "nobody"}) == {("v1", "v1"): 50}


def test_a_browser_stays_with_its_version(both: Laneway) -> None:
    """One cookie jar: what was drawn first, at both hops; a cookie of nothing is replaced."""
    version, cookie = asyncio.run(first_visit(both, {}))
    expected = Counter({(version, version): 40})
    assert pairs(both, 40, {"cookie": f"a=b; {cookie}"}) == expected
    again, other = asyncio.run(first_visit(both, {"cookie": "lw=gone"}))
    assert other.startswith("lw=") and other != "lw=gone" and again in ("v1", "v2")


async def first_visit(laneway: Laneway, headers: dict[str, str]) -> tuple[str, str]:
    """The version that a browser is drawn to, and the cookie that it is given."""
    connection = await Connection.open(laneway.address)
    response = await connection.ask(Request(HOST, "/", headers).encoded())
    connection.close()
    given = response.headers["set-cookie"]
    assert given.endswith("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax")
    version = "v2" if b'"version": "v2"' in response.body.partition(b'"hops"')[0] else "v1"
    return version, given.partition(";")[0]


def test_an_abort_of_one_takes_both_back_unmixed(both: Laneway) -> None:
    """Also who has a cookie of the version that was rolled back."""
    both.json("release", "abort", "back", "--reason", "prices are wrong")
    seen: Counter[tuple[str, str]] = Counter()
    while both.app("front")["release"]:
        seen += pairs(both, 50)
    assert set(seen) <= {("v1", "v1"), ("v2", "v2")}
    assert pairs(both, 100) == {("v1", "v1"): 100}
    for version in both.app("front")["versions"]:
        assert pairs(both, 10, {"cookie": f"lw={version['revision']}"}) == {("v1", "v1"): 10}
    phases = {r["app"]: r["phase"] for r in both.json("release", "status")["releases"]}
    assert phases == {"front": "RolledBack", "back": "RolledBack"}


@pytest.mark.long
def test_a_tested_lane_is_promoted_in_one_release(both: Laneway) -> None:
    """The same images, as the apps' own templates; the lane goes when it is asked to."""
    apps = [word for name in ("front", "back") for word in ("--app", f"{name}=registry.test/{name}:v3")]
    both.json("lane", "up", "green", *apps, "--wait")
    assert pairs(both, 10, {"x-lane": "green"}) == {("v3", "v3"): 10}
    begun = both.json("lane", "promote", "green")
    assert (begun["together"], begun["phase"]) == (["back"], "Progressing")
    both.json("release", "promote", "front")
    seen: Counter[tuple[str, str]] = Counter()
    while both.app("front")["release"]:
        seen += pairs(both, 50)
    assert set(seen) <= {("v1", "v1"), ("v3", "v3")}
    assert pairs(both, 50) == {("v3", "v3"): 50}
    (record,) = [r for r in both.json("get", "release")["items"] if r["metadata"]["name"] == "lane-green"]
    assert record["metadata"]["annotations"]["laneway.dev/promoted-from"] == "green"
    assert both.run("lane", "promote", "green").code == 2
