"""What a command has written, and whether the controller has taken it up."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.service.objects import app, deployment, everything, lane, release, version

from laneway.kubernetes.part import read_template
from laneway.kubernetes.service.taken import PATIENCE_SECONDS, Taken
from laneway.plan.revision import revision_of

Json = dict[str, Any]


class Written:
    """Something that was written, on a clock of the test's own."""

    def __init__(self, body: Json) -> None:
        self.now = 0.0
        self.taken = Taken(lambda: self.now)
        self.version = self.taken.wrote([body])

    def is_taken_up(self, **objects: list[Json]) -> bool:
        """Whether it was, by these objects."""
        return self.taken.seen(everything(**objects)) >= self.version


def test_nothing_written_is_nothing_to_wait_for() -> None:
    """A command that only looks."""
    assert Taken(lambda: 0.0).seen(everything()) == 0


def test_an_app_is_taken_up_when_its_status_is_of_its_generation() -> None:
    """Not before."""
    changed = app() | {"metadata": app()["metadata"] | {"generation": 2}}
    written = Written(changed)
    assert not written.is_taken_up(App=[changed])
    changed["status"] |= {"observedGeneration": 2}
    assert written.is_taken_up(App=[changed])


def test_a_lane_likewise() -> None:
    """Of its own status."""
    written = Written(lane())
    assert not written.is_taken_up(Lane=[lane()])
    assert written.is_taken_up(Lane=[lane(observedGeneration=1)])


def test_a_request_is_taken_up_when_the_record_has_heard_it() -> None:
    """An older request is not it."""
    at = {"verb": "pause", "at": "2030-01-01T00:00:09Z", "by": "ada", "reason": ""}
    asked = release() | {"spec": release()["spec"] | {"request": at}}
    written = Written(asked)
    assert not written.is_taken_up(Release=[release(heard=at | {"at": "2030-01-01T00:00:08Z"})])
    assert written.is_taken_up(Release=[release(heard=at)])


def test_a_template_is_taken_up_when_its_app_knows_the_revision() -> None:
    """As a version, or by a release of it."""
    template = deployment()
    revision = revision_of(read_template(template["spec"]["template"]))
    written = Written(template)
    assert not written.is_taken_up(App=[app()], Deployment=[template])
    known = app(versions=[version(), version(revision, "candidate", weight=0)])
    assert written.is_taken_up(App=[known], Deployment=[template])


def test_a_template_whose_revision_was_refused_is_taken_up_too() -> None:
    """Its release is on record, and nothing else will happen."""
    template = deployment()
    revision = revision_of(read_template(template["spec"]["template"]))
    refused = release(phase="RolledBack")
    refused["spec"]["apps"][0]["revision"] = revision
    assert Written(template).is_taken_up(App=[app()], Deployment=[template], Release=[refused])


def test_what_no_status_tells_of_is_taken_up_after_a_while() -> None:
    """Nobody waits for ever."""
    written = Written(app() | {"metadata": app()["metadata"] | {"generation": 2}})
    written.now = PATIENCE_SECONDS
    assert written.is_taken_up(App=[app()])


def test_a_deployment_of_nobody_s_is_no_matter_of_the_controller() -> None:
    """Nor is what is gone."""
    assert Written(deployment("database")).is_taken_up(Deployment=[deployment("database")])
    assert Written(app()).is_taken_up()
