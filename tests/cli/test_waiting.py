"""What is missing, in words, and following the status."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from tests.cli.conftest import Daemon
from tests.cli.statuses import app, finding, lane, status, version

from laneway.cli.client import Client, NotRunningError
from laneway.cli.waiting import LAGGARDS_MAX, follow, laggards, missing, why
from laneway.local.state import State


def test_nothing_is_missing_at_rest() -> None:
    """A settled world has no line."""
    assert missing(status(lanes=[lane()])) == []


def test_pods_that_are_not_ready_are_counted() -> None:
    """For each version, Deployment and lane."""
    short = {"wanted": 2, "pods": 2, "ready": 1}
    labs = {"namespace": "shop", "name": "labs", "ready": False, "replicas": short}
    green = lane(ready=False, apps=[lane()["apps"][0] | {"replicas": short}])
    pharmacy = app(ready=False, versions=[version("r1", 80, 4, 4), version("r2", 20, 0, 1)])
    assert missing(status(apps=[pharmacy], workloads=[labs], lanes=[green])) == [
        "shop/pharmacy version r2 has 0 of 1 pod ready",
        "shop/labs has 1 of 2 pods ready",
        "lane shop/green: pharmacy has 1 of 2 pods ready",
    ]


def test_rules_that_are_not_confirmed_are_named() -> None:
    """With the proxies that lag behind."""
    late = {"total": 9, "confirmed": 8, "laggards": ["shop/page-1"]}
    seen = status(apps=[app(confirmed=False)], lanes=[lane(confirmed=False)], confirmed=False, proxies=late)
    assert missing(seen) == [
        "shop/pharmacy: not every proxy serves its newest rules yet",
        "lane shop/green: not every proxy serves its rules yet",
        "1 of 9 proxies have not confirmed: shop/page-1",
    ]


def test_an_app_without_rules_has_no_version_that_serves() -> None:
    """Its pods may be ready already."""
    assert missing(status(apps=[app(ready=False)])) == ["shop/pharmacy has no version that serves yet"]


def test_many_laggards_are_cut() -> None:
    """The first few are enough to look at."""
    names = [f"pod-{number}" for number in range(LAGGARDS_MAX + 1)]
    (line,) = laggards(status(proxies={"total": 20, "confirmed": 14, "laggards": names}))
    assert line.endswith(f"pod-{LAGGARDS_MAX - 1}, …")


def test_the_reports_errors_come_first() -> None:
    """And only of the subjects asked for."""
    said = [finding("info"), finding("error", severity="error"), finding("of page", name="page")]
    assert why(status(findings=said)) == ["error", "info", "of page"]
    assert why(status(findings=said), [("shop", "pharmacy")]) == ["error", "info"]


def test_follow_yields_each_change_and_ends_with_the_time(daemon: Daemon) -> None:
    """The last look is at the end."""
    daemon.says(status(observed=1))
    seen = []
    with Client(daemon.state.api) as client:
        for each in follow(client, timedelta(milliseconds=200)):
            seen.append(each["observed"])
            if len(seen) == 1:
                daemon.says(status(observed=2))
    assert seen[:2] == [1, 2]
    assert set(seen) == {1, 2}


def test_follow_outlasts_a_daemon_that_is_started_anew(own_daemon: Daemon, state: State) -> None:
    """For as long as it is told; else it says at once that nobody answers."""
    own_daemon.end()
    client = Client(state.api)
    with pytest.raises(NotRunningError):
        next(follow(client, timedelta(seconds=10)))
    began = time.monotonic()
    with pytest.raises(NotRunningError):
        next(follow(client, timedelta(seconds=10), absence=timedelta(milliseconds=150)))
    assert time.monotonic() - began >= 0.15
    again: list[Daemon] = []
    starting = threading.Thread(target=lambda: again.append(Daemon(state)))
    starting.start()
    assert next(follow(client, timedelta(seconds=20), absence=timedelta(seconds=20)))["ready"]
    starting.join()
    again[0].end()
