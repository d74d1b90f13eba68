"""Systems in plain Kubernetes and Istio YAML: as they are, adopted, with a lane and with a canary.

One table of calls holds in each of these, and in each way to isolate replicas.
"""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.acceptance.running import Laneway, served
from tests.acceptance.table import NOBODY, Call, Expect, Row, misread, misses

pytestmark = pytest.mark.mesh

EXAMPLES = Path(__file__).parents[2] / "examples"
LIBRARY, MARKET = "library.example", "market.example"
HALF = [{"weight": 50, "hold": "10m"}, {"weight": 100}]


@dataclass(frozen=True, slots=True)
class System:
    """An example. app: one of it that nothing keeps from being an App, and is called by others."""

    name: str
    table: Sequence[Row]
    app: str
    whole: Call
    expect: Expect

    def rows(self, **versions: str | frozenset[str]) -> list[Row]:
        """The table, with these versions of some services in place of others."""
        return [
            (shows, call, expect.but(**{n: v for n, v in versions.items() if n in expect.versions}))
            for shows, call, expect in self.table
        ]


DESK = Expect({"desk": "v1", "titles": "v1", "opinions": "v2", "marks": "v1"})
BOOKS = System(
    "library",
    [
        ("one service, by its path", Call(LIBRARY, "/titles/1"), Expect({"titles": "v1"})),
        ("opinions by a header that goes along", Call(LIBRARY, headers={"end-user": "ada"}), DESK),
        (
            "opinions by weight; marks are asked for by v3 alone",
            Call(LIBRARY),
            DESK.but(opinions=frozenset({"v1", "v3"}), marks=frozenset({"v1", NOBODY})),
        ),
        ("a host that nobody serves", Call("elsewhere.example"), Expect(status=404)),
    ],
    app="titles",
    whole=Call(LIBRARY, headers={"end-user": "ada"}),
    expect=DESK,
)

FRONT = Expect(dict.fromkeys(("front", "catalog", "cart", "currency", "adverts"), "v1"))
GOODS = System(
    "market",
    [
        ("HTTP, gRPC and TCP", Call(MARKET), FRONT),
        ("any path", Call(MARKET, "/cart"), FRONT),
        ("a host that nobody serves", Call("elsewhere.example"), Expect(status=404)),
    ],
    app="catalog",
    whole=Call(MARKET),
    expect=FRONT,
)


WAYS = [
    (BOOKS, "loopback"),
    (GOODS, "namespaces"),
    pytest.param((BOOKS, "namespaces"), marks=pytest.mark.long),
    pytest.param((GOODS, "loopback"), marks=pytest.mark.long),
]


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: f"{way[0].name}-{way[1]}")
def way(request: pytest.FixtureRequest) -> tuple[System, str]:
    """One of the examples, and how its replicas are kept apart."""
    found: tuple[System, str] = request.param
    return found


@pytest.fixture(scope="module")
def system(way: tuple[System, str]) -> System:
    """The example."""
    return way[0]


@pytest.fixture(scope="module")
def isolation(way: tuple[System, str]) -> str:
    """How its replicas are kept apart."""
    return way[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, system: System) -> Path:
    """A copy of its files."""
    return shutil.copytree(EXAMPLES / system.name, tmp_path_factory.mktemp("plain") / system.name)


@pytest.fixture(scope="module")
def laneway(tmp_path_factory: pytest.TempPathFactory, system: System, isolation: str) -> Iterator[Laneway]:
    """A state of its own for each. The examples' `python3` is this one, which has what they import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", sysconfig.get_path("scripts"), prepend=":")
        laneway = Laneway(tmp_path_factory.mktemp("laneway") / "state")
        yield laneway
        laneway.end()


@pytest.fixture(scope="module")
def adopted(laneway: Laneway, folder: Path, isolation: str, system: System) -> Laneway:
    """The system once as it is, which has to do what the table says, then with Apps in its place."""
    laneway.up(folder, options=("--isolation", isolation))
    assert misses(laneway, system.table) == []
    laneway.run("down")
    done = laneway.run("adopt", "-f", str(folder), "--to", str(folder / "apps"))
    assert done.code == 0, done.err
    laneway.up(folder / "apps", options=("--isolation", isolation))
    return laneway


def test_what_was_adopted_does_the_same(adopted: Laneway, system: System) -> None:
    """The same table holds, and `laneway explain` says so of each first hop."""
    assert misses(adopted, system.table) == []
    assert misread(adopted, system.table) == []


def test_a_lane_changes_what_its_requests_meet_and_nothing_else(adopted: Laneway, system: System) -> None:
    """One service in the lane's version, however far it is from the header's sender."""
    image = f"{system.app}=registry.example/{system.name}/{system.app}:green"
    adopted.json("lane", "up", "green", "--app", image, "-n", system.name, "--wait")
    headers = {**system.whole.headers, "x-lane": "green"}
    tagged = Call(system.whole.host, system.whole.path, headers)
    in_lane = ("in the lane", tagged, system.expect.but(**{system.app: "green"}))
    assert misses(adopted, [*system.table, in_lane]) == []
    adopted.json("lane", "rm", "green", "-n", system.name, "--wait")
    assert misses(adopted, [*system.table, ("after the lane", tagged, system.expect)]) == []


def test_a_changed_image_is_a_canary_then_the_only_version(
    adopted: Laneway, folder: Path, system: System
) -> None:
    """Half of the requests meet it, and then all of them."""
    adopted.apply(changed(folder / "apps" / f"{system.app}.yaml", system, "v2"))
    halves = {"v1": 50, "v2": 50}
    adopted.until("both versions have half", lambda: served(adopted.app(system.app)) == halves)
    assert misses(adopted, system.rows(**{system.app: frozenset({"v1", "v2"})})) == []
    adopted.json("release", "promote", system.app)
    assert adopted.run("release", "wait", system.app).code == 0
    assert misses(adopted, system.rows(**{system.app: "v2"})) == []


def changed(file: Path, system: System, version: str) -> Path:
    """The App's file with another image, and a release that stops halfway."""
    objects: list[dict[str, Any]] = list(yaml.safe_load_all(file.read_text()))
    for body in objects:
        if body["kind"] == "App":
            body["spec"]["release"] = {"steps": HALF}
        else:
            (container,) = body["spec"]["template"]["spec"]["containers"]
            container["image"] = f"registry.example/{system.name}/{system.app}:{version}"
    file.write_text(yaml.safe_dump_all(objects, sort_keys=False))
    return file
