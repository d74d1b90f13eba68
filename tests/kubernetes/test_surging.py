"""Pods that releases add all over the cluster."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from laneway.control.changes import Changes
from laneway.control.loop import Pass
from laneway.kubernetes.surging import USED_UP, Surging
from laneway.plan.observed import AppSeen, Observed, Role, VersionSeen
from laneway.plan.result import AppPlan, Finding, Plan, Report, VersionPlan
from laneway.spec.app import App
from laneway.spec.meta import Key
from laneway.spec.release import Phase, Release
from laneway.spec.template import RawTemplate
from laneway.spec.world import Spec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PAGE, PHARMACY = Key("shop", "page"), Key("shop", "pharmacy")


def release(app: Key, phase: Phase = Phase.PROGRESSING) -> Release:
    status = {"phase": phase, "base": 4, "startedAt": NOON, "stepStartedAt": NOON}
    body: dict[str, Any] = {
        "metadata": {"name": f"{app.name}-new", "namespace": app.namespace},
        "spec": {"apps": [{"name": app.name, "revision": "new"}]},
        "status": status,
    }
    return Release.model_validate(body)


def made(
    app: Key,
    wanted: dict[str, int],
    there: dict[str, int] | None = None,
    waits: bool = False,
    phase: Phase = Phase.PROGRESSING,
) -> Pass:
    """A pass over an app of four pods. wanted, there: pods by revision."""
    port = {"name": "http", "port": 80, "targetPort": 8080}
    body = {
        "metadata": {"name": app.name, "namespace": app.namespace},
        "spec": {"workload": {"deployment": app.name}, "service": {"ports": [port]}},
    }
    versions = tuple(
        VersionPlan(name, RawTemplate({"spec": {}}), Role.STABLE, pods, True) for name, pods in wanted.items()
    )
    seen = AppSeen(versions={name: VersionSeen(desired=n, pods=n) for name, n in (there or {}).items()})
    found = [Finding(USED_UP, app, "waits")] if waits else []
    record = release(app, phase)
    spec = Spec(apps={app: App.model_validate(body)}, releases={record.key: record})
    planned = Plan(apps=(AppPlan(app, "old", versions, {}),))
    return Pass(spec, Observed(apps={app: seen}), planned, Report(tuple(found)), Changes((), (), ()))


def test_what_a_plan_asks_for_counts_before_it_can_be_seen() -> None:
    surging = Surging()
    surging.planned(made(PAGE, {"old": 4, "new": 1}, there={"old": 4}))
    assert surging.elsewhere((PHARMACY,)) == 1
    assert surging.elsewhere((PAGE,)) == 0, "its own are counted by its own plan"


def test_pods_that_are_still_there_count_when_the_plan_takes_them_away() -> None:
    surging = Surging()
    surging.planned(made(PAGE, {"old": 3, "new": 1}, there={"old": 4, "new": 1}))
    assert surging.elsewhere((PHARMACY,)) == 1


def test_a_release_that_is_over_adds_nothing() -> None:
    surging = Surging()
    surging.planned(made(PAGE, {"old": 4, "new": 1}))
    surging.planned(made(PAGE, {"old": 4, "new": 1}, phase=Phase.PROMOTED))
    assert surging.elsewhere((PHARMACY,)) == 0


def test_who_waits_for_room_is_told_once_when_another_has_become_smaller() -> None:
    surging = Surging()
    surging.planned(made(PHARMACY, {"old": 4}, waits=True))
    surging.planned(made(PAGE, {"old": 4, "new": 2}))
    assert not surging.freed()
    surging.planned(made(PAGE, {"old": 4, "new": 1}))
    assert surging.freed() == {PHARMACY}
    assert not surging.freed()


def test_who_has_found_room_waits_no_longer() -> None:
    surging = Surging()
    surging.planned(made(PHARMACY, {"old": 4}, waits=True))
    surging.planned(made(PHARMACY, {"old": 4, "new": 1}))
    surging.planned(made(PAGE, {"old": 4, "new": 1}))
    surging.forget(PAGE)
    assert not surging.freed()


def test_an_app_that_is_gone_leaves_its_room_to_others() -> None:
    surging = Surging()
    surging.planned(made(PAGE, {"old": 4, "new": 2}))
    surging.planned(made(PHARMACY, {"old": 4}, waits=True))
    surging.forget(PAGE)
    assert surging.elsewhere((PHARMACY,)) == 0
    assert surging.freed() == {PHARMACY}
