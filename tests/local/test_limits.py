"""Limits that are said and not enforced."""

from __future__ import annotations

from tests.local.samples import changed, pod

from laneway.local.pod.pods import Pod
from laneway.local.server.limits import not_enforced
from laneway.manifests import names
from laneway.spec.kubernetes import Container


def limited(suffix: str, labels: dict[str, str], **limits: str) -> Pod:
    """A pod with these limits."""
    container = Container.model_validate({"name": "main", "resources": {"limits": limits}})
    return changed(pod(suffix, labels=labels), container=container)


def test_limits_are_told_once_for_an_app_however_many_pods_and_lanes_it_has() -> None:
    """By its name and in the units that people write; of what has none there is nothing to tell."""
    pods = [
        limited("a", {names.APP: "web"}, memory="64Mi", cpu="250m"),
        limited("b", {names.APP: "web"}, memory="64Mi", cpu="250m"),
        limited("c", {names.LANE: "green", names.LANE_APP: "web"}, memory="64Mi", cpu="250m"),
        limited("d", {names.APP: "cart"}),
        changed(limited("e", {"app": "labs"}, memory="1Gi"), deployment="labs"),
    ]
    labs, web = not_enforced(pods)
    assert (labs["namespace"], labs["name"], web["name"], web["severity"]) == ("shop", "labs", "web", "info")
    assert "labs: limits are not enforced on processes of this machine (memory 1Gi)" in labs["text"]
    assert "(cpu 250m, memory 64Mi): a container engine does" in web["text"]
