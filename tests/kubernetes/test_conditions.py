"""The status of an App on a cluster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from tests.kubernetes.kstatus import computed

from laneway.control.changes import Changes
from laneway.control.loop import Pass
from laneway.control.status import AppStatus, LaneStatus
from laneway.kubernetes.conditions import AppReport, app_status, lane_status, leaving_status
from laneway.plan.observed import Observed
from laneway.plan.result import Finding, Plan, Report, Severity
from laneway.spec.meta import Key
from laneway.spec.world import Spec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
APP = Key("shop", "page")


def version(role: str = "stable", weight: int = 100, ready: int = 2, wanted: int = 2) -> dict[str, Any]:
    pods = {"wanted": wanted, "pods": ready, "ready": ready}
    said = {"revision": role, "role": role, "image": "a:1", "weight": weight, "served": weight}
    return {**said, "replicas": pods}


def document(*versions: dict[str, Any], **fields: Any) -> AppStatus:
    said = {"name": "page", "stable": "stable", "release": None, "ready": True, "confirmed": True}
    return cast(AppStatus, {**said, "versions": list(versions or (version(),)), **fields})


def findings(*found: Finding) -> Pass:
    return Pass(Spec(), Observed(), Plan(), Report(found), Changes((), (), ()))


def body(status: dict[str, Any] | None = None, generation: int = 1) -> dict[str, Any]:
    return {"metadata": {"name": "page", "generation": generation}, "status": status or {}}


def told(report: AppReport, before: dict[str, Any] | None = None) -> dict[str, Any]:
    before = before or body()
    return before | {"status": app_status(report, before, NOON)}


def conditions(told: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in told["status"]["conditions"]}


def message(told: dict[str, Any], kind: str) -> str:
    found: str = next(each["message"] for each in told["status"]["conditions"] if each["type"] == kind)
    return found


AT_REST = AppReport(APP, findings(), document())
STARTING = AppReport(APP, findings(), document(version(ready=0), ready=False))
UNCONFIRMED = AppReport(APP, findings(), document(confirmed=False))
CANARY = version("candidate", 20, 1, 1)
RELEASING = AppReport(APP, findings(), document(version(weight=80), CANARY, release="page-2"))
REFUSED = AppReport(APP, findings(Finding("X", APP, "the image is not there", Severity.ERROR)), document())
CONTESTED = AppReport(APP, findings(), document(), contested=("Service shop/page belongs to helm",))
UNREADABLE = AppReport(APP, None, None, unreadable="spec.workload is missing")


@pytest.mark.parametrize(
    "report, status",
    [
        (AT_REST, "Current"),
        (STARTING, "InProgress"),
        (UNCONFIRMED, "InProgress"),
        (RELEASING, "InProgress"),
        (REFUSED, "Failed"),
        (CONTESTED, "Failed"),
        (UNREADABLE, "Failed"),
    ],
    ids=["at rest", "starting", "unconfirmed", "releasing", "refused", "contested", "unreadable"],
)
def test_kstatus_understands_each_phase(report: AppReport, status: str) -> None:
    assert computed(told(report)) == status


def test_an_app_that_cannot_go_on_does_not_say_that_it_moves() -> None:
    """Of kstatus's two abnormal conditions never both."""
    stuck = AppReport(APP, findings(), RELEASING.document, contested=("Service shop/page belongs to helm",))
    assert conditions(told(stuck))["Stalled"] == "True"
    assert conditions(told(stuck))["Reconciling"] == "False"


def test_an_app_that_has_not_been_looked_at_since_it_changed_is_in_progress() -> None:
    at_rest = told(AT_REST)["status"]
    assert computed(body(at_rest, generation=2)) == "InProgress"


def test_an_app_that_is_read_anew_says_of_which_generation_it_speaks() -> None:
    found = told(AT_REST, body(generation=7))["status"]
    assert found["observedGeneration"] == 7
    assert {each["observedGeneration"] for each in found["conditions"]} == {7}


def test_an_app_that_serves_stays_ready_while_a_release_starts_pods() -> None:
    starting = document(version(), version("candidate", 0, 0, 1), ready=False, confirmed=False, release="x")
    report = AppReport(APP, findings(), starting)
    assert conditions(told(report))["Ready"] == "False", "it never was ready"
    assert conditions(told(report, told(AT_REST)))["Ready"] == "True"


def test_an_app_of_which_no_pod_answers_is_ready_no_longer() -> None:
    assert conditions(told(STARTING, told(AT_REST)))["Ready"] == "False"


def test_what_holds_a_release_up_is_said_in_the_planners_words() -> None:
    why = Finding("PodsStarting", APP, "page stays at 20 %: 1 of 2 pods available")
    report = AppReport(APP, findings(why), RELEASING.document)
    assert message(told(report), "Reconciling") == why.text
    assert told(report)["status"]["findings"] == [
        {"code": "PodsStarting", "severity": "info", "text": why.text}
    ]


def test_findings_about_others_are_theirs() -> None:
    other = Finding("X", Key("shop", "other"), "it is broken", Severity.ERROR)
    assert conditions(told(AppReport(APP, findings(other), document())))["Stalled"] == "False"


def test_what_cannot_be_written_is_named() -> None:
    assert message(told(CONTESTED), "Stalled") == "Service shop/page belongs to helm"


@pytest.mark.parametrize(
    "field, kind", [({"template_contested": True}, "TemplateContested"), ({"drifted": ("x",)}, "Drifted")]
)
def test_what_others_do_is_a_condition_as_long_as_it_is_so(field: dict[str, Any], kind: str) -> None:
    during = told(AppReport(APP, findings(), document(), **field))
    assert conditions(during)[kind] == "True"
    assert computed(during) == "Current", "nothing is broken by it"
    assert kind not in conditions(told(AT_REST, during))


def test_a_condition_has_the_time_since_when_it_is_so() -> None:
    before = told(AT_REST)
    later = app_status(RELEASING, before, NOON + timedelta(minutes=1))
    since = {each["type"]: each["lastTransitionTime"] for each in later["conditions"]}
    assert since["Ready"] == "2026-01-01T12:00:00Z"
    assert since["Progressing"] == "2026-01-01T12:01:00Z"


def test_versions_that_are_gone_are_not_listed() -> None:
    gone = version("retired", 0, 0, 0)
    listed = told(AppReport(APP, findings(), document(version(), gone)))["status"]["versions"]
    assert [each["role"] for each in listed] == ["stable"]


def test_an_app_that_leaves_says_what_it_waits_for() -> None:
    before = told(AT_REST)
    status = leaving_status(before, "waits for the pods of its own Deployment", NOON)
    assert message({"status": status}, "Ready") == "waits for the pods of its own Deployment"
    assert conditions({"status": status})["Ready"] == "True", "it serves on meanwhile"


def test_a_lane_is_ready_when_its_pods_are_and_every_proxy_leads_to_it() -> None:
    app = {"name": "page", "base": "a", "image": "a:2", "replicas": {"wanted": 1, "pods": 1, "ready": 0}}
    lane = {"name": "blue", "header": "x-lane", "expiresAt": None, "apps": [app], "ready": False}
    starting = lane_status(cast(LaneStatus, {**lane, "confirmed": True}), body(), NOON)
    assert conditions({"status": starting}) == {"Ready": "False", "Reconciling": "True", "Stalled": "False"}
    assert message({"status": starting}, "Ready") == "pods are starting: page"
    ready = lane_status(cast(LaneStatus, {**lane, "ready": True, "confirmed": True}), body(), NOON)
    assert computed(body(ready)) == "Current"
