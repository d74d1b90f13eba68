"""The commands that only look: `status`, `explain`, `history`, `logs`, `version`."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import yaml
from tests.cli.conftest import Daemon, Laneway
from tests.cli.stand_in_engine import SILENT
from tests.cli.statuses import app, finding, lane, release, status, version

from laneway import __version__


def test_status_shows_everything_on_one_screen(daemon: Daemon, laneway: Laneway) -> None:
    """Apps, lanes, releases and the report."""
    pharmacy = app(versions=[version("r1", 80, 4, 4), version("r2", 20, 1, 2), version("r0", 0, 0, 0)])
    daemon.says(
        status(
            apps=[pharmacy],
            lanes=[lane()],
            releases=[
                release(),
                release("pharmacy-0", phase="Promoted", finishedAt="2026-01-01T00:00:00+00:00"),
            ],
            findings=[finding("pharmacy stays at 20 %: 1 of 2 pods available")],
        )
    )
    out = laneway("status").out
    assert "ingress http://127.0.0.1:8080" in out
    assert "proxies 3 of 3 confirmed" in out
    for words in ("r1 80% 4/4", "r2 20% 1/2", "green x-lane: green", "pharmacy-1 Progressing 1/2 20%"):
        assert any(set(words.split()) <= set(line.split()) for line in out.splitlines()), words
    assert "pharmacy stays at 20 %: 1 of 2 pods available" in out
    assert "r0" not in out
    assert "pharmacy-0" not in out


def test_status_names_the_proxies_that_lag_behind(daemon: Daemon, laneway: Laneway) -> None:
    """In the place of the good news."""
    daemon.says(status(proxies={"total": 3, "confirmed": 2, "laggards": ["shop/page-1"]}))
    assert "1 of 3 proxies have not confirmed: shop/page-1" in laneway("status").out


def test_status_as_json_is_the_whole_document(daemon: Daemon, laneway: Laneway) -> None:
    """Or the part of a namespace."""
    daemon.says(status(apps=[app(), app("page", namespace="mall")]))
    assert [each["name"] for each in laneway("status", "-o", "json").json["apps"]] == ["pharmacy", "page"]
    assert [each["name"] for each in laneway("status", "-n", "mall", "-o", "json").json["apps"]] == ["page"]


def test_explain_asks_for_the_request_as_it_is_written(daemon: Daemon, laneway: Laneway) -> None:
    """Header names in lowercase, the method in capitals, the app with its namespace."""
    laneway("explain", "--from", "pharmacy", "-H", "X-Lane: green", "-X", "post", "http://inventory/")
    (asked,) = daemon.asked("explain")
    assert asked["url"] == "http://inventory/"
    assert asked["method"] == "POST"
    assert asked["headers"] == [["x-lane", "green"]]
    assert asked["source"] == "shop/pharmacy"


def test_explain_shows_each_rule_and_why(daemon: Daemon, laneway: Laneway) -> None:
    """And where the request ends."""
    out = laneway("explain", "http://shop.example/").out
    assert out.splitlines() == [
        "1. ingress gateway: VirtualService shop/shop",
        "   ✗ green: header x-lane is absent",
        "   ✓ default: the rule has no condition",
        "   ! fault: 10 % wait 1s",
        "   → 100% to pharmacy subset r-r1: pharmacy-1",
        "it reaches pharmacy",
    ]
    assert laneway("explain", "http://shop.example/", "-o", "json").json["outcome"] == "it reaches pharmacy"


@pytest.mark.parametrize("header", ["x-lane", "x lane: green", ": green"])
def test_explain_refuses_what_is_no_header(laneway: Laneway, header: str) -> None:
    """That is wrong usage."""
    assert laneway("explain", "-H", header, "http://shop.example/").code == 2


@pytest.mark.parametrize("url", ["http:///labs", "http://:80/", "/"])
def test_explain_refuses_a_url_without_a_host(laneway: Laneway, url: str) -> None:
    """That is wrong usage."""
    done = laneway("explain", url)
    assert done.code == 2
    assert "names no host" in done.err


def test_history_prints_what_why_and_who(daemon: Daemon, laneway: Laneway) -> None:
    """Of everything, or of one app."""
    line = laneway("history").out.splitlines()[1]
    assert line.split()[2:] == ["App", "shop/pharmacy", "created", "laneway", "up", "ada"]
    laneway("history", "pharmacy", "--limit", "7")
    everything, of_one = daemon.asked("history")
    assert (everything["app"], everything["limit"]) == (None, 50)
    assert (of_one["namespace"], of_one["app"], of_one["limit"]) == ("shop", "pharmacy", 7)


def test_events_are_of_a_kind_an_object_or_a_lane(daemon: Daemon, laneway: Laneway) -> None:
    """A line for each; kinds have short names."""
    (line,) = laneway("events", "po", "pharmacy-1", "--lane", "green", "--tail", "5").out.splitlines()
    assert line.split()[2:] == ["App", "shop/pharmacy", "created", "laneway", "up"]
    (asked,) = daemon.asked("history")
    assert {name: asked[name] for name in ("kind", "name", "lane", "limit")} == {
        "kind": "Pod", "name": "pharmacy-1", "lane": "green", "limit": 5
    }  # fmt: skip
    assert laneway("events", "-o", "json").json["change"] == "created"
    assert laneway("events", "-o", "name").out == "app/pharmacy\n"


def test_history_since_is_a_duration_ago_or_a_time(daemon: Daemon, laneway: Laneway) -> None:
    """And nothing else."""
    laneway("history", "--since", "1h")
    laneway("history", "--since", "2026-01-01T10:00:00Z")
    ago, moment = (datetime.fromisoformat(asked["since"]) for asked in daemon.asked("history"))
    assert 3_600 <= (datetime.now(UTC) - ago).total_seconds() < 3_700
    assert moment == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert laneway("history", "--since", "yesterday").code == 2


def test_logs_prints_each_line_with_its_pod(daemon: Daemon, laneway: Laneway) -> None:
    """As text, or as JSON lines."""
    assert laneway("logs", "pharmacy", "--tail", "2").out == "pharmacy-1  line 0\npharmacy-1  line 1\n"
    (line,) = laneway("logs", "pharmacy", "--tail", "1", "-o", "json").out.splitlines()
    assert json.loads(line) == {"pod": "pharmacy-1", "line": "line 0"}


def test_logs_have_every_form_of_output(daemon: Daemon, laneway: Laneway) -> None:
    """YAML is a stream of documents."""
    (line,) = yaml.safe_load_all(laneway("logs", "pharmacy", "--tail", "1", "-o", "yaml").out)
    assert line == {"pod": "pharmacy-1", "line": "line 0"}
    assert laneway("logs", "pharmacy", "--tail", "1", "-o", "name").out == "pod/pharmacy-1\n"


def test_logs_are_of_a_lane_a_revision_or_the_proxy(daemon: Daemon, laneway: Laneway) -> None:
    """Of pods that the daemon chooses."""
    laneway("logs", "pharmacy", "--lane", "green", "--revision", "7d", "--pod", "pharmacy-1", "--proxy")
    (asked,) = daemon.asked("logs")
    assert asked["part"] == "sidecar"
    assert asked["which"] == {
        "namespace": "shop", "app": "pharmacy", "deployment": "", "lane": "green", "revision": "7d",
        "pod": "pharmacy-1",
    }  # fmt: skip


def test_logs_of_a_deployment_outside_any_app_are_asked_for(daemon: Daemon, laneway: Laneway) -> None:
    """By its own name; the stand-in has none, and says so."""
    daemon.says(status(workloads=[{"namespace": "shop", "name": "labs", "ready": True, "replicas": {}}]))
    done = laneway("logs", "labs")
    assert done.code == 1
    assert "error LW607: there is no App shop/labs" in done.err


def test_version_tells_the_daemons_too(daemon: Daemon, laneway: Laneway) -> None:
    """Where one runs."""
    done = laneway("version", "-o", "json")
    assert done.json["version"] == __version__
    assert done.json["daemon"]["pid"] == daemon.process.pid


def test_version_needs_no_daemon(laneway: Laneway) -> None:
    """One line."""
    assert laneway("version").out == f"laneway {__version__}\n"


def test_status_shows_no_table_of_what_there_is_not(daemon: Daemon, laneway: Laneway) -> None:
    """Of Deployments alone; of nothing at all it says what to do."""
    sizes = {"wanted": 1, "pods": 1, "ready": 1}
    alone = [{"namespace": "shop", "name": "labs", "ready": True, "replicas": sizes}]
    daemon.says(status(apps=[], workloads=alone))
    out = laneway("status").out
    assert "DEPLOYMENT" in out and "REVISION" not in out
    daemon.says(status(apps=[], workloads=[]))
    assert "nothing is applied here yet: laneway apply -f PATH" in laneway("status").out


def test_logs_of_pods_that_have_written_nothing_say_so(daemon: Daemon, laneway: Laneway) -> None:
    """On standard error; not where no line was asked for."""
    done = laneway("logs", "pharmacy", "--pod", SILENT)
    assert (done.code, done.out, done.err) == (0, "", "none of these pods has written anything\n")
    assert laneway("logs", "pharmacy", "--tail", "0").err == ""
