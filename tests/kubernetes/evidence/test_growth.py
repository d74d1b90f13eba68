"""Which of what Prometheus has counted is bad, to guardrails and to a judge."""

from __future__ import annotations

from laneway.control.metrics.prometheus import Row
from laneway.kubernetes.evidence.growth import Growth, growth_of
from laneway.kubernetes.evidence.questions import Target
from laneway.spec.failure_codes import FailureCodes

TARGET = Target("pharmacy.shop.svc.cluster.local", "1a2b")
CODES = FailureCodes.model_validate({"http": ["5xx", 429], "grpc": ["RESOURCE_EXHAUSTED"]})


def answered(amount: int, code: str, status: str = "") -> Row:
    """So many requests that were answered so."""
    labels = {"destination_service": TARGET.host, "destination_canonical_revision": TARGET.revision}
    return Row(labels | {"response_code": code, "grpc_response_status": status}, (float(amount),))


ROWS = [
    answered(100, "200"),
    answered(7, "429"),
    answered(5, "503"),
    answered(4, "200", "8"),
    answered(3, "200", "14"),
    answered(2, "0"),
]


def test_the_codes_that_an_app_names_are_errors_to_its_judge_alone() -> None:
    """Who never got an answer has no code, and counts for both."""
    growth = growth_of(TARGET, ROWS, [], True, CODES)
    assert (growth.requests, growth.errors, growth.bad) == (121, 5 + 3 + 2, 7 + 5 + 4 + 2)
    assert growth.counts.judged == 18


def test_without_named_codes_the_judge_takes_what_guardrails_take() -> None:
    growth = growth_of(TARGET, ROWS, [], True)
    assert growth.bad is None
    assert growth.counts.judged == growth.errors == 10


def test_growths_add_up() -> None:
    growth = growth_of(TARGET, ROWS, [], True, CODES)
    assert (Growth() + growth + growth).bad == 36
    assert (Growth() + Growth()).bad is None
