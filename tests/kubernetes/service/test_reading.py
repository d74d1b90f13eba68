"""Objects of a cluster as models, as far as a model can say them."""

from __future__ import annotations

from tests.kubernetes.service.objects import app, deployment, obj, release

from laneway.kubernetes.service.reading import read, without_markers
from laneway.spec.app import App
from laneway.spec.istio import VirtualService
from laneway.spec.kubernetes import Deployment
from laneway.spec.release import Release


def rules(**http: object) -> dict[str, object]:
    """A VirtualService with one rule."""
    route = [{"destination": {"host": "pharmacy"}}]
    spec = {"hosts": ["pharmacy"], "http": [{"route": route} | http]}
    return obj("VirtualService", "pharmacy", spec=spec) | {"apiVersion": "networking.istio.io/v1"}


def test_a_template_is_passed_over_not_read() -> None:
    """Whatever it says, the Deployment is there and selects its pods."""
    found, passed = read(deployment())
    assert isinstance(found, Deployment)
    assert (found.spec.replicas, found.spec.template.metadata.labels) == (2, {"app": "pharmacy"})
    assert not passed


def test_an_app_is_read_without_its_status() -> None:
    """It is a report; a release's record is read."""
    assert isinstance(read(app())[0], App)
    found, _ = read(release(step=1))
    assert isinstance(found, Release)
    assert found.status is not None
    assert found.status.step == 1


def test_fields_that_no_model_knows_are_left_out_and_named() -> None:
    """The rest is read."""
    found, passed = read(rules(retries={"attempts": 2, "retryIgnorePreviousHosts": True}, futureField={}))
    assert isinstance(found, VirtualService)
    assert found.spec.http[0].retries is not None
    assert "spec.http[0].futureField" in passed


def test_a_value_that_no_model_takes_is_left_out() -> None:
    """With the field that holds it."""
    found, passed = read(rules(timeout="soon"))
    assert isinstance(found, VirtualService)
    assert found.spec.http[0].timeout is None
    assert passed == ["spec.http[0].timeout"]


def test_other_kinds_are_nothing_here() -> None:
    """They say nothing about requests."""
    assert read(obj("CronJob", "nightly")) == (None, [])


def test_rules_lose_the_marker_of_their_writing() -> None:
    """People know the name before it."""
    marked = without_markers(rules(name="lane-green~0123456789"))
    assert marked["spec"]["http"][0]["name"] == "lane-green"
    bare = without_markers(rules(name="~0123456789"))
    assert "name" not in bare["spec"]["http"][0]
