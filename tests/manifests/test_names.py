"""Names and labels, read back."""

from __future__ import annotations

from laneway.manifests import names


def test_a_pod_of_a_lane_is_of_the_lane_though_it_has_its_apps_labels() -> None:
    labels = {names.APP: "pharmacy", names.REVISION: "a", names.LANE: "blue", names.LANE_APP: "pharmacy"}
    assert names.version_of("shop", labels) == ("shop", "lane", "blue", "pharmacy")


def test_a_pod_is_of_a_revision_or_of_nothing() -> None:
    labels = {names.APP: "pharmacy", names.REVISION: "a"}
    assert names.version_of("shop", labels) == ("shop", "app", "pharmacy", "a")
    assert names.version_of("shop", {names.APP: "pharmacy"}) is None
