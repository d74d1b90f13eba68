"""The status of an App on the cluster: conditions that tools wait for, and the planner's report. Pure.

`Ready`, `Reconciling` and `Stalled` are those of kstatus, so that `kubectl wait`, Argo CD and Flux understand
them; `Progressing` holds while a release is under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laneway.control.loop import Pass
from laneway.control.overview import View
from laneway.control.status import AppStatus, LaneStatus, Proxies
from laneway.plan.observed import Observed
from laneway.plan.result import Finding, Severity
from laneway.spec.meta import Key

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AppReport:
    """What is to be told of one app.

    seen: the pass, None where nothing was planned; document: of it; contested: what could not be written, and
    why; unreadable: why the App says nothing that can be planned; drifted: objects that others have
    changed; remarks: of the engine itself.
    """

    app: Key
    seen: Pass | None
    document: AppStatus | None = None
    contested: tuple[str, ...] = ()
    unreadable: str | None = None
    template_contested: bool = False
    drifted: tuple[str, ...] = ()
    remarks: tuple[Finding, ...] = ()


def app_status(report: AppReport, body: Mapping[str, Any], now: datetime) -> Json:
    """The status to be. body: the App as it is stored."""
    before: Mapping[str, Any] = body.get("status") or {}
    conditions = _conditions(report, body["metadata"].get("generation", 0), _was_ready(before))
    merged = _with_times(conditions, before.get("conditions") or (), now)
    status: Json = {"observedGeneration": body["metadata"].get("generation", 0), "conditions": merged}
    status |= _numbers(report)
    return status


def view(seen: Pass) -> View:
    """What a pass has seen and decided, for what every surface tells of it."""
    return View(seen.spec, seen.observed, seen.planned, seen.report, {}, _proxies(seen.observed))


def _proxies(observed: Observed) -> Proxies:
    laggards = list(observed.laggards)
    return Proxies(total=len(laggards), confirmed=0, laggards=laggards)


def _numbers(report: AppReport) -> Json:
    app = report.document
    findings = [_finding(each) for each in _findings(report)]
    if app is None:
        return {"findings": findings}
    versions = [_version(dict(version)) for version in app["versions"] if _matters(dict(version))]
    return {
        "stable": app["stable"],
        "release": app["release"],
        "versions": versions,
        "replicas": sum(version["pods"] for version in versions),
        "findings": findings,
    }


def _matters(version: Json) -> bool:
    return bool(version["role"] in {"stable", "candidate"} or version["replicas"]["pods"])


def _version(version: Json) -> Json:
    pods = version.pop("replicas")
    return {**{name: value for name, value in version.items() if value is not None}, **pods}


def _finding(finding: Finding) -> Json:
    return {"code": finding.code, "severity": finding.severity.value, "text": finding.text}


def _findings(report: AppReport) -> list[Finding]:
    planned = report.seen.report.findings if report.seen else ()
    return [*(each for each in planned if each.subject == report.app), *report.remarks]


def _was_ready(status: Mapping[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())


def _answers(app: AppStatus) -> bool:
    """Whether every version that has a weight has a pod that takes requests."""
    weighted = [version for version in app["versions"] if version["weight"]]
    return bool(weighted) and all(version["replicas"]["ready"] for version in weighted)


def _conditions(report: AppReport, generation: int, was_ready: bool) -> list[Json]:
    """was_ready: it served before: then pods that a release starts are no reason not to be ready."""
    app, said = report.document, _findings(report)
    errors = [f.text for f in said if f.severity is Severity.ERROR]
    stalled = next(iter((*report.contested, *_unread(report), *errors)), "")
    release = app["release"] if app else None
    serves = app is not None and (_answers(app) if was_ready else app["ready"] and app["confirmed"])
    why = next((f.text for f in said if f.severity is not Severity.ERROR), "")
    waiting = why or ("pods are starting" if app and not app["ready"] else "not every proxy has confirmed")
    whole = "every version has its pods, and every proxy serves its weights"
    moves = not stalled and (bool(release) or not serves)
    found = [
        _condition("Ready", serves and not stalled, "Serving" if serves else "NotServing",
                   stalled or (whole if serves else waiting)),
        _condition("Reconciling", moves, "Moving" if release else "Settling" if moves else "AtRest",
                   waiting if moves else ""),
        _condition("Stalled", bool(stalled), "NeedsAttention" if stalled else "Fine", stalled),
        _condition("Progressing", bool(release), "Release" if release else "NoRelease",
                   f"release {release} is under way" if release else ""),
    ]  # fmt: skip
    if report.template_contested:
        text = "somebody scales the template up again: leave `replicas` out of its Deployment in Git"
        found.append(_condition("TemplateContested", True, "ReplicasInGit", text))
    if report.drifted:
        text = (
            f"somebody else has changed {', '.join(report.drifted)}: left as it is, as `drift: report` says"
        )
        found.append(_condition("Drifted", True, "ChangedByOthers", text))
    return [condition | {"observedGeneration": generation} for condition in found]


def _unread(report: AppReport) -> Iterable[str]:
    if report.unreadable:
        yield f"the App cannot be read: {report.unreadable}"


def _condition(kind: str, holds: bool, reason: str, message: str) -> Json:
    return {"type": kind, "status": "True" if holds else "False", "reason": reason, "message": message}


def _with_times(found: list[Json], before: Iterable[Mapping[str, Any]], now: datetime) -> list[Json]:
    """The conditions, each with the time since when it is as it is."""
    known = {condition["type"]: condition for condition in before}
    merged = []
    for condition in found:
        was = known.get(condition["type"])
        same = was is not None and was["status"] == condition["status"]
        since = was["lastTransitionTime"] if was is not None and same else f"{now:%Y-%m-%dT%H:%M:%SZ}"
        merged.append(condition | {"lastTransitionTime": since})
    return merged


def leaving_status(body: Mapping[str, Any], why: str, now: datetime) -> Json:
    """The status of an App that is being deleted."""
    before: Mapping[str, Any] = body.get("status") or {}
    generation = body["metadata"].get("generation", 0)
    found = [
        _condition("Ready", _was_ready(before), "Leaving", why),
        _condition("Reconciling", True, "Leaving", why),
    ]
    merged = _with_times(found, before.get("conditions") or (), now)
    return {**before, "observedGeneration": generation, "conditions": merged}


def lane_status(lane: LaneStatus, body: Mapping[str, Any], now: datetime) -> Json:
    """The status of a Lane to be. body: the Lane as it is stored."""
    before: Mapping[str, Any] = body.get("status") or {}
    generation = body["metadata"].get("generation", 0)
    serves = lane["ready"] and lane["confirmed"]
    slow = [app["name"] for app in lane["apps"] if app["replicas"]["ready"] < app["replicas"]["wanted"]]
    waiting = f"pods are starting: {', '.join(slow)}" if slow else "not every proxy has confirmed its rules"
    found = [
        _condition("Ready", serves, "Serving" if serves else "NotServing", "" if serves else waiting),
        _condition("Reconciling", not serves, "AtRest" if serves else "Settling", "" if serves else waiting),
        _condition("Stalled", False, "Fine", ""),
    ]
    merged = _with_times([each | {"observedGeneration": generation} for each in found],
                         before.get("conditions") or (), now)  # fmt: skip
    apps = [
        {"name": app["name"], "base": app["base"], "image": app["image"], **app["replicas"]}
        for app in lane["apps"]
    ]
    return {
        "observedGeneration": generation,
        "conditions": merged,
        "header": lane["header"],
        "expiresAt": lane["expiresAt"],
        "deployed": ",".join(app["name"] for app in lane["apps"]),
        "apps": apps,
    }
