"""What an answer that is a refusal means."""

from __future__ import annotations

import orjson
import pytest

from laneway.kubernetes.api.errors import ApiError, api_error, status_error


def test_a_status_says_what_is_wrong_and_where() -> None:
    """With the owner of each field that an apply would have taken."""
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{manager}" using networking.istio.io/v1',
            "field": ".spec.http",
        }
        for manager in ("argocd-controller", "kubectl-edit")
    ]
    status = {
        "kind": "Status",
        "code": 409,
        "reason": "Conflict",
        "message": "2 conflicts",
        "details": {"causes": causes},
    }
    error = api_error(409, orjson.dumps(status))
    assert error.conflict and not error.transient
    assert error.managers == {"argocd-controller", "kubectl-edit"}
    assert [cause.field for cause in error.causes] == [".spec.http", ".spec.http"]
    assert str(error) == "2 conflicts"


@pytest.mark.parametrize(
    ("status", "transient"),
    [(400, False), (404, False), (409, False), (500, False), (503, True), (429, True)],
)
def test_only_what_passes_is_transient(status: int, transient: bool) -> None:
    """A plain 500 is also what unknown fields get."""
    assert api_error(status, b"").transient is transient


def test_a_time_to_wait_is_read_from_the_header_or_the_status() -> None:
    """A 500 that names one will pass."""
    told = {"kind": "Status", "code": 500, "reason": "InternalError", "details": {"retryAfterSeconds": 2}}
    assert api_error(500, orjson.dumps(told)).retry_after == 2
    assert api_error(500, orjson.dumps(told), "7").retry_after == 7
    assert api_error(500, orjson.dumps(told)).transient
    assert api_error(503, b"", "Wed, 21 Oct 2026 07:28:00 GMT").retry_after is None


def test_an_answer_that_is_no_status_is_told_as_it_is() -> None:
    """What stands in front of an API server writes what it likes."""
    assert str(api_error(502, b"<html>bad gateway</html>")) == "<html>bad gateway</html>"
    assert str(api_error(502, b"")) == "HTTP status 502"
    assert str(api_error(502, b"[1]")) == "[1]"


def test_a_version_that_is_too_old_is_gone_however_it_is_told() -> None:
    """As an answer, or as an event of a watch."""
    expired = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
    assert status_error(expired, 500).gone
    assert ApiError(500, "Expired", "").gone
    assert not ApiError(404, "NotFound", "").gone
