"""`laneway top`: rows, sums and what is not known."""

from __future__ import annotations

from typing import cast

from tests.cli.conftest import Daemon, Laneway
from tests.cli.statuses import app, lane, status, version

from laneway.cli.top import app_items
from laneway.control.status import PodUsage


def used(name: str, cpu: float | None, **about: str) -> PodUsage:
    """What a pod used; of revision r1 of the app unless said otherwise."""
    named = {"namespace": "shop", "deployment": "", "app": "pharmacy", "lane": "", "revision": "r1"} | about
    return cast("PodUsage", {"name": name, "cpu": cpu, "memory": 100, "requestsPerSecond": None} | named)


def test_pods_are_shown_one_by_one(daemon: Daemon, laneway: Laneway) -> None:
    """With `-` for what is not known."""
    lines = laneway("top", "pods").out.splitlines()
    assert lines[0].lower().split() == ["namespace", "name", "app", "version", "cpu", "memory", "requests/s"]
    assert lines[1].split() == ["shop", "a", "pharmacy", "r1", "250m", "50Mi", "12.5"]
    assert lines[2].split() == ["shop", "b", "pharmacy", "r1", "-", "1Mi", "-"]


def test_apps_are_shown_version_by_version(daemon: Daemon, laneway: Laneway) -> None:
    """As JSON the numbers are numbers."""
    daemon.says(status(apps=[app(versions=[version("r1", 80, ready=2, wanted=3)])]))
    assert laneway("top", "-o", "json").json["items"] == [
        {
            "namespace": "shop", "name": "pharmacy", "version": "r1", "weight": 80,
            "desired": 3, "available": 2, "cpu": 0.25, "memory": 51 * 2**20,
            "requestsPerSecond": 12.5,
        }
    ]  # fmt: skip


def test_use_is_added_up_for_each_version_each_lane_and_each_deployment() -> None:
    """A lane's pods do not count for the version that it was made of; unknown is not zero."""
    usage = [
        used("a", 0.5),
        used("b", 0.25),
        used("c", None, revision="r2"),
        used("d", 1.0, lane="green", revision=""),
        used("e", 2.0, app="", revision="", deployment="worker"),
    ]
    pods = version()["replicas"]
    world = status(
        apps=[app(versions=[version("r1", 80), version("r2", 20)])],
        lanes=[lane("green", apps=[{"name": "pharmacy", "base": "r1", "image": "", "replicas": pods}])],
        workloads=[{"namespace": "shop", "name": "worker", "ready": True, "replicas": pods}],
    )
    found = [
        (item["version"], item["weight"], item["cpu"], item["memory"]) for item in app_items(world, usage)
    ]
    assert found == [
        ("r1", 80, 0.75, 200),
        ("r2", 20, None, 100),
        ("lane green", None, 1.0, 100),
        ("", None, 2.0, 100),
    ]
