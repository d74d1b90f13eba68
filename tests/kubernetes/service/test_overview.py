"""The status document, read from what the controller has written."""

from __future__ import annotations

from typing import Any

import pytest
from tests.kubernetes.service.objects import (
    NEW,
    STABLE,
    app,
    condition,
    deployment,
    everything,
    lane,
    obj,
    release,
    version,
)

from laneway.control.status import Status
from laneway.kubernetes.service.overview import Seen, status


def seen(**objects: Any) -> Status:
    """The status of these objects."""
    return status(Seen(everything(**objects)), version=3, taken_up=1)


def test_an_app_is_told_as_on_one_machine() -> None:
    """With the weights that every proxy serves, and its pods."""
    (told,) = seen(App=[app()])["apps"]
    assert (told["ready"], told["confirmed"], told["stable"]) == (True, True, STABLE)
    assert told["hosts"] == ["shop.example"]
    (only,) = told["versions"]
    assert (only["weight"], only["served"]) == (100, 100)
    assert only["replicas"] == {"wanted": 2, "pods": 2, "ready": 2}


@pytest.mark.parametrize(
    ("said", "ready", "confirmed"),
    [
        ({"versions": []}, False, False),
        ({"versions": [version(ready=1)]}, False, True),
        ({"versions": [{k: v for k, v in version().items() if k != "served"}]}, True, False),
        ({"versions": [version(weight=80), version(NEW, "candidate", weight=20, served=10)]}, True, False),
    ],
)
def test_it_serves_when_its_pods_are_ready_and_proxies_have_its_weights(
    said: dict[str, Any], ready: bool, confirmed: bool
) -> None:
    """Neither follows from the other."""
    (told,) = seen(App=[app(**said)])["apps"]
    assert (told["ready"], told["confirmed"]) == (ready, confirmed)


def test_an_app_that_no_controller_has_seen_is_not_ready() -> None:
    """There is nothing to be said of it."""
    bare = app()
    del bare["status"]
    (told,) = seen(App=[bare])["apps"]
    assert (told["ready"], told["stable"], told["versions"]) == (False, "", [])


def test_releases_are_the_planner_s_records_with_the_steps_of_their_app() -> None:
    """Oldest first; one that has not begun is not there."""
    later = release("later", startedAt="2030-01-02T00:00:00Z", step=1)
    waiting = release("waiting") | {"status": None}
    told = seen(App=[app()], Release=[later, release(), waiting])["releases"]
    assert [(each["name"], each["step"], each["steps"], each["weight"]) for each in told] == [
        ("pharmacy-b", 0, 2, 20),
        ("later", 1, 2, 100),
    ]


def test_a_lane_is_ready_by_its_condition() -> None:
    """Its header and its pods are those of its status."""
    ready = lane(
        header={"x-env": "green"}, conditions=[condition("Ready")], apps=[{"name": "pharmacy", "ready": 1}]
    )
    (told,) = seen(Lane=[ready])["lanes"]
    assert (told["ready"], told["confirmed"], told["header"]) == (True, True, {"x-env": "green"})


def test_a_condition_of_an_older_lane_says_nothing_of_it() -> None:
    """It was changed since."""
    older = lane(conditions=[condition("Ready", generation=0)], apps=[])
    (told,) = seen(Lane=[older])["lanes"]
    assert not told["confirmed"]


def test_a_lane_that_no_controller_has_seen_has_the_mesh_s_header() -> None:
    """So that people know what to send."""
    mesh = obj("Mesh", "default", spec={"lane": {"header": "x-try"}})
    (told,) = seen(Lane=[lane()], Mesh=[mesh])["lanes"]
    assert (told["header"], told["ready"]) == ({"x-try": "green"}, False)
    assert told["apps"][0]["image"] == "pharmacy:green"


def test_deployments_outside_of_any_app_run_as_they_are() -> None:
    """Templates are none of them, nor is what Laneway has made."""
    ours = deployment("pharmacy-a", metadata={"labels": {"app.kubernetes.io/managed-by": "laneway"}})
    alone = deployment("database", status={"replicas": 2, "availableReplicas": 1})
    (told,) = seen(App=[app()], Deployment=[deployment(), ours, alone])["workloads"]
    assert (told["name"], told["ready"]) == ("database", False)
    assert told["replicas"] == {"wanted": 2, "pods": 2, "ready": 1}


def test_findings_are_those_of_every_status_and_what_stalls() -> None:
    """Once each."""
    text = "Service shop/pharmacy belongs to helm"
    stalled = app(
        findings=[{"code": "RevisionRefused", "severity": "warning", "text": "it was rolled back"}],
        conditions=[condition("Stalled", message=text), condition("Ready", "False", text)],
    )
    told = [(each["code"], each["severity"], each["text"]) for each in seen(App=[stalled])["findings"]]
    assert told == [("RevisionRefused", "warning", "it was rolled back"), ("Stalled", "error", text)]
