"""The client, over the real API on a real socket."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Daemon
from tests.cli.statuses import release, status

from laneway.cli.client import ApiError, Client, NotRunningError, Pods

PHARMACY: Pods = {"namespace": "shop", "app": "pharmacy"}


@pytest.fixture
def client(daemon: Daemon) -> Client:
    """A client of the stand-in."""
    return Client(daemon.state.api)


def test_objects_are_applied_listed_and_deleted(client: Client) -> None:
    """By kind, namespace and name."""
    lane = {"kind": "Lane", "metadata": {"name": "green", "namespace": "shop"}}
    changes = client.apply([lane], by="ada")
    assert changes["objects"] == [
        {"kind": "Lane", "namespace": "shop", "name": "green", "operation": "created"}
    ]
    assert client.objects("Lane", "shop", "green") == [lane]
    assert client.objects("Lane", "mall") == []
    client.delete([{"kind": "Lane", "namespace": "shop", "name": "green"}])
    assert client.objects("*") == []


def test_changed_returns_when_the_status_changes(client: Client, daemon: Daemon) -> None:
    """Or when the time is over, with the version that was known."""
    known = client.status()["version"]
    assert client.changed(known, 0.05) == known
    daemon.says(status(observed=2))
    assert client.changed(known, 10) > known
    assert client.status()["observed"] == 2


def test_a_refusal_carries_all_problems(client: Client) -> None:
    """With the status that tells it apart."""
    with pytest.raises(ApiError) as caught:
        client.apply([{"kind": "App", "metadata": {"name": "refused", "namespace": "shop"}}])
    assert caught.value.status == 422
    assert [problem["code"] for problem in caught.value.problems] == ["LW401"]


def test_a_request_is_for_the_running_release(client: Client, daemon: Daemon) -> None:
    """Without one it is a conflict, for an unknown app it is missing."""
    with pytest.raises(ApiError) as caught:
        client.request("shop", "pharmacy", "abort")
    assert caught.value.status == 409
    with pytest.raises(ApiError) as caught:
        client.request("shop", "page", "abort")
    assert caught.value.status == 404
    daemon.says(status(releases=[release()]))
    assert client.request("shop", "pharmacy", "abort", by="ada", reason="prices")["name"] == "pharmacy-1"


def test_logs_come_line_by_line(client: Client) -> None:
    """While they are followed, too."""
    assert [line["line"] for line in client.logs(PHARMACY, tail=2)] == ["line 0", "line 1"]
    assert next(client.logs(PHARMACY, tail=1, follow=True))["pod"] == "pharmacy-1"
    with pytest.raises(ApiError, match="there is no App shop/page"):
        next(client.logs({"namespace": "shop", "app": "page"}))


def test_nobody_answers_where_no_daemon_runs(tmp_path: Path) -> None:
    """An error of its own, for those who wait."""
    with Client(tmp_path / "api.sock") as client, pytest.raises(NotRunningError, match="no daemon answers"):
        client.ping()


def test_a_daemon_that_ends_in_the_middle_is_not_running(own_daemon: Daemon) -> None:
    """Also for who follows logs."""
    with Client(own_daemon.state.api) as client:
        lines = client.logs(PHARMACY, tail=1, follow=True)
        next(lines)
        own_daemon.process.kill()
        with pytest.raises(NotRunningError):
            next(lines)
