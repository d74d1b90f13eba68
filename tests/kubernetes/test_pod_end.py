"""How pods of Laneway's end on a cluster."""

from __future__ import annotations

from typing import Any

from laneway.kubernetes.pod_end import GRACE_SECONDS, SERVES_ON_SECONDS, serving_on
from laneway.manifests import names

WAIT = {"preStop": {"sleep": {"seconds": SERVES_ON_SECONDS}}}


def deployment(container: dict[str, Any], annotations: dict[str, str] | None = None, **pod: Any) -> Any:
    spec = {"containers": [{"name": "main", **container}], **pod}
    return {"metadata": {"annotations": annotations or {}}, "spec": {"template": {"spec": spec}}}


def pod(of: Any) -> Any:
    return of["spec"]["template"]["spec"]


def test_a_container_serves_on_before_it_is_told_to_end() -> None:
    ends = pod(serving_on(deployment({})))
    assert ends["containers"] == [{"name": "main", "lifecycle": WAIT}]
    assert ends["terminationGracePeriodSeconds"] == GRACE_SECONDS + SERVES_ON_SECONDS


def test_a_hook_of_its_own_is_left_alone() -> None:
    own = {"preStop": {"exec": {"command": ["leave"]}}}
    ends = pod(serving_on(deployment({"lifecycle": own}, terminationGracePeriodSeconds=60)))
    assert ends["containers"][0]["lifecycle"] == own
    assert ends["terminationGracePeriodSeconds"] == 60


def test_a_hook_at_the_start_stays() -> None:
    start = {"postStart": {"exec": {"command": ["warm"]}}}
    ends = pod(serving_on(deployment({"lifecycle": start})))
    assert ends["containers"][0]["lifecycle"] == start | WAIT


def test_the_apps_grace_counts_from_sigterm() -> None:
    asked = deployment({}, {names.DRAIN_GRACE: "1m30s"}, terminationGracePeriodSeconds=10)
    assert pod(serving_on(asked))["terminationGracePeriodSeconds"] == 90 + SERVES_ON_SECONDS


def test_pods_that_run_are_not_started_anew_for_another_grace() -> None:
    stored = serving_on(deployment({}, {names.DRAIN_GRACE: "10s"}))
    asked = deployment({}, {names.DRAIN_GRACE: "20s"})
    assert pod(serving_on(asked, stored)) == pod(stored)


def test_pods_that_run_without_the_wait_go_on_without_it() -> None:
    stored = deployment({}, terminationGracePeriodSeconds=30)
    assert pod(serving_on(deployment({}), stored)) == pod(stored)


def test_another_image_is_written_to_what_is_stored() -> None:
    """As of a lane, whose Deployment changes."""
    stored = serving_on(deployment({"image": "a:1"}))
    (container,) = pod(serving_on(deployment({"image": "a:2"}), stored))["containers"]
    assert container == {"name": "main", "image": "a:2", "lifecycle": WAIT}
