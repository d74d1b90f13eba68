"""What an API server refuses, as problems with places."""

from __future__ import annotations

import pytest
from tests.kubernetes.service.objects import deployment

from laneway.kubernetes.api.errors import ApiError, Cause
from laneway.kubernetes.service.refusals import path_of, problems_of


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("spec.replicas", ("spec", "replicas")),
        (".spec.replicas", ("spec", "replicas")),
        (
            "spec.template.spec.containers[1].image",
            ("spec", "template", "spec", "containers", 1, "image"),
        ),
        (
            '.spec.template.spec.containers[name="more"].image',
            ("spec", "template", "spec", "containers", 1, "image"),
        ),
        ("metadata.annotations[laneway.dev/by]", ("metadata", "annotations", "laneway.dev/by")),
        ('spec.template.spec.containers[name="none"].image', ("spec", "template", "spec", "containers")),
        ("", ()),
    ],
)
def test_a_field_as_the_api_server_writes_it_is_a_path(field: str, path: tuple[str | int, ...]) -> None:
    """As far as it is in the object."""
    assert path_of(field, deployment()) == path


def test_a_conflict_names_the_owner() -> None:
    """And what to do about it."""
    cause = Cause(".spec.replicas", "FieldManagerConflict", 'conflict with "helm" using apps/v1')
    (problem,) = problems_of(deployment(), ApiError(409, "Conflict", "Apply failed", causes=(cause,)))
    assert (problem["code"], problem["text"]) == ("LW625", "spec.replicas belongs to helm")
    assert "--take-over" in problem["remedy"]
    assert (problem["file"], problem["field"]) == ("Deployment shop/pharmacy", "spec.replicas")


def test_what_a_command_has_written_before_is_no_conflict() -> None:
    """Only the fields of others are."""
    causes = [
        Cause(f".spec.{name}", "FieldManagerConflict", f'conflict with "{owner}"')
        for name, owner in (("replicas", "laneway-cli"), ("paused", "helm"))
    ]
    found = problems_of(deployment(), ApiError(409, "Conflict", "", causes=tuple(causes)))
    assert [problem["field"] for problem in found] == ["spec.paused"]


def test_a_field_that_only_the_text_names_is_found_there() -> None:
    """As of a field that the schema does not have."""
    text = "failed to create typed patch object (shop/x; Kind=Deployment): .spec.nope: field not declared"
    (problem,) = problems_of(deployment(), ApiError(500, "", text))
    assert (problem["code"], problem["field"]) == ("LW624", "spec.nope")
    assert problem["text"] == ".spec.nope: field not declared"


def test_a_right_that_is_missing_is_told_so() -> None:
    """It is nothing in the file."""
    (problem,) = problems_of(deployment(), ApiError(403, "Forbidden", "ada may not patch deployments"))
    assert problem["code"] == "LW623"
