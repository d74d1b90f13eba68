"""The status document, of worlds made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from laneway.control.overview import View, overview
from laneway.control.status import Finding as FindingDocument
from laneway.control.status import Isolation, Proxies, Status
from laneway.plan.observed import AppSeen, LaneAppSeen, Observed, Role, Table, VersionSeen
from laneway.plan.result import AppPlan, Finding, Plan, Report, Severity, VersionPlan
from laneway.spec.kubernetes import PodTemplate
from laneway.spec.load import parse, spec_of
from laneway.spec.meta import Key
from laneway.spec.release import Phase, Release

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WEB, GREEN = Key("shop", "web"), Key("shop", "green")
CALM = Proxies(total=3, confirmed=3, laggards=[])
SHARED = Isolation(mode="loopback", why="the default")


def template(tag: str) -> PodTemplate:
    """A template of one container."""
    return PodTemplate.model_validate({"spec": {"containers": [{"name": "main", "image": f"web:{tag}"}]}})


def obj(kind: str, name: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An object of Laneway's own kinds."""
    metadata = {"name": name, "namespace": "shop", "creationTimestamp": NOON.isoformat()}
    return {"apiVersion": "laneway.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec} | more


def release(name: str, revision: str, phase: Phase, minute: int) -> dict[str, Any]:
    """The record of a release that began in this minute after noon."""
    began = (NOON + timedelta(minutes=minute)).isoformat()
    status = {"phase": phase, "startedAt": began, "stepStartedAt": began, "stable": "r1"}
    return obj("Release", name, {"apps": [{"name": "web", "revision": revision}]}, status=status)


APP = obj(
    "App",
    "web",
    {
        "workload": {"deployment": "web"},
        "service": {"ports": [{"port": 80}]},
        "routing": {"hosts": ["shop.example"], "gateways": ["public"]},
        "release": {"steps": [{"weight": 12.5}, {"weight": 100}]},
    },
)
LANE = obj(
    "Lane", "green", {"apps": [{"name": "web", "image": "web:pr"}], "value": "g", "ttl": "1h", "owner": "ann"}
)


def version(revision: str, role: Role, replicas: int) -> VersionPlan:
    """A planned version."""
    return VersionPlan(revision, template(revision), role, replicas, subset=True)


ONE = AppPlan(WEB, "r1", (version("r1", Role.STABLE, 4),), {"r1": 10_000})
TWO = AppPlan(
    WEB,
    "r1",
    (version("r1", Role.STABLE, 4), version("r2", Role.CANDIDATE, 1)),
    {"r1": 8_750, "r2": 1_250},
)
SETTLED = AppSeen(
    versions={"r1": VersionSeen(4, 4, 4)},
    written=Table({"r1": 10_000}, lanes=frozenset({"green"})),
    confirmed=True,
)


def view(
    plan: AppPlan = ONE, seen: AppSeen = SETTLED, objects: tuple[dict[str, Any], ...] = (), **more: Any
) -> View:
    """A pass over one app, and what else is given."""
    spec = spec_of([parse(body) for body in (APP, *objects)])
    observed = Observed(apps={WEB: seen}, lanes=more.pop("lanes", {}))
    report = more.pop("report", Report())
    return View(spec, observed, Plan(apps=(plan,)), report, **({"workloads": {}, "proxies": CALM} | more))


def document(*args: Any, **more: Any) -> Status:
    """Its status document."""
    return overview(
        view(*args, **more),
        version=7,
        taken_up=41,
        urls=["http://127.0.0.1:8080", "https://127.64.0.1:10443"],
        isolation=SHARED,
    )


def test_a_settled_app_is_ready_and_confirmed() -> None:
    """And everything that a person asks for is there."""
    found = document()
    assert (found["version"], found["observed"], found["ingress"]) == (7, 41, "http://127.0.0.1:8080")
    assert found["ready"] and found["confirmed"]
    assert found["apps"] == [
        {
            "namespace": "shop",
            "name": "web",
            "hosts": ["shop.example"],
            "ready": True,
            "confirmed": True,
            "stable": "r1",
            "versions": [
                {
                    "revision": "r1",
                    "role": "stable",
                    "image": "web:r1",
                    "weight": 100,
                    "served": 100,
                    "replicas": {"wanted": 4, "pods": 4, "ready": 4},
                }
            ],
            "release": None,
        }
    ]


def test_an_app_is_not_ready_while_pods_are_missing() -> None:
    """Then neither is the whole."""
    found = document(seen=replace(SETTLED, versions={"r1": VersionSeen(4, 4, 3)}))
    assert not found["apps"][0]["ready"] and not found["ready"]
    assert found["confirmed"]


def test_an_app_without_rules_is_neither_ready_nor_confirmed() -> None:
    """Nobody can reach it."""
    (app,) = document(seen=replace(SETTLED, written=None))["apps"]
    assert not app["ready"] and not app["confirmed"]


def test_weights_that_are_not_written_or_not_confirmed_are_not_served() -> None:
    """`weight` is what the plan wants, `served` what every proxy does."""
    (planned,) = document(plan=TWO)["apps"]
    assert not planned["confirmed"]
    assert [(v["weight"], v["served"]) for v in planned["versions"]] == [(87.5, 100), (12.5, 0)]
    written = replace(SETTLED, written=Table(TWO.weights), confirmed=False)
    (under_way,) = document(plan=TWO, seen=written)["apps"]
    assert not under_way["confirmed"]
    assert [v["served"] for v in under_way["versions"]] == [None, None]
    (served,) = document(plan=TWO, seen=replace(written, confirmed=True))["apps"]
    assert served["confirmed"]
    assert [v["served"] for v in served["versions"]] == [87.5, 12.5]


def test_a_proxy_that_lags_keeps_the_whole_unconfirmed() -> None:
    """Whatever it is about."""
    found = document(proxies=Proxies(total=3, confirmed=2, laggards=["shop/web-1"]))
    assert not found["confirmed"]
    assert found["ready"]


def test_a_plain_deployment_is_ready_with_all_its_pods() -> None:
    """It has no weights and no rules of ours."""
    found = document(workloads={Key("shop", "labs"): VersionSeen(2, 2, 1), Key("shop", "db"): VersionSeen()})
    assert [(each["name"], each["ready"]) for each in found["workloads"]] == [("db", True), ("labs", False)]
    assert not found["ready"]


def test_a_lane_is_ready_with_its_pods_and_confirmed_with_its_rules() -> None:
    """Its image and base are those that run."""
    running = LaneAppSeen("r1", template("pr"), VersionSeen(1, 1, 1))
    found = document(objects=(LANE,), lanes={GREEN: {"web": running}})
    assert found["lanes"] == [
        {
            "namespace": "shop",
            "name": "green",
            "header": {"x-lane": "g"},
            "ready": True,
            "confirmed": True,
            "expiresAt": "2026-01-01T13:00:00+00:00",
            "owner": "ann",
            "apps": [
                {
                    "name": "web",
                    "base": "r1",
                    "image": "web:pr",
                    "replicas": {"wanted": 1, "pods": 1, "ready": 1},
                }
            ],
        }
    ]


def test_a_lane_that_does_not_run_yet_keeps_the_whole_waiting() -> None:
    """It says what it will run."""
    unrouted = replace(SETTLED, written=Table({"r1": 10_000}))
    found = document(seen=unrouted, objects=(LANE,))
    (lane,) = found["lanes"]
    assert not (lane["ready"] or lane["confirmed"] or found["ready"] or found["confirmed"])
    assert (lane["apps"][0]["base"], lane["apps"][0]["image"]) == ("", "web:pr")


def test_the_header_of_a_lane_is_the_meshs() -> None:
    """People copy it into requests."""
    mesh = obj("Mesh", "default", {"lane": {"header": "x-env"}})
    assert document(objects=(LANE, mesh))["lanes"][0]["header"] == {"x-env": "g"}


def test_releases_are_listed_oldest_first_and_the_running_one_is_named() -> None:
    """One that has not begun has nothing to tell."""
    waiting = obj("Release", "web-9", {"apps": [{"name": "web", "revision": "r9"}]})
    found = document(
        objects=(
            release("web-3", "r3", Phase.PROGRESSING, 2),
            release("web-2", "r2", Phase.PROMOTED, 1),
            waiting,
        )
    )
    assert [each["name"] for each in found["releases"]] == ["web-2", "web-3"]
    assert found["apps"][0]["release"] == "web-3"
    running = found["releases"][1]
    assert (running["weight"], running["step"], running["steps"], running["stable"]) == (12.5, 0, 2, "r1")
    assert (running["startedAt"], running["finishedAt"]) == ("2026-01-01T12:02:00+00:00", None)


def test_what_a_pass_decides_of_a_release_is_there_with_that_pass() -> None:
    """Whoever sees that a change was taken up sees the release that it started."""
    begun = parse(release("web-2", "r2", Phase.PROGRESSING, 1))
    assert isinstance(begun, Release)
    made = replace(view(plan=TWO), planned=Plan(apps=(TWO,), releases=(begun,)))
    found = overview(made, version=7, taken_up=41, urls=[""], isolation=SHARED)
    assert [each["phase"] for each in found["releases"]] == ["Progressing"]
    assert found["apps"][0]["release"] == "web-2"


def test_a_release_outlives_its_app() -> None:
    """As a record, without steps."""
    spec = spec_of([parse(release("web-2", "r2", Phase.PROMOTED, 1))])
    found = overview(View(spec, Observed(), Plan(), Report(), {}, CALM), 1, 1, [""], SHARED)
    assert (found["releases"][0]["weight"], found["releases"][0]["steps"]) == (100, 0)


def test_findings_of_the_planner_come_before_those_of_the_engine() -> None:
    """Each names its subject."""
    extra = FindingDocument(code="Crashed", severity="warning", namespace="shop", name="web-1", text="ended")
    report = Report((Finding("Waiting", WEB, "3 of 4 pods", Severity.INFO),))
    assert document(report=report, extra=(extra,))["findings"] == [
        {"code": "Waiting", "severity": "info", "namespace": "shop", "name": "web", "text": "3 of 4 pods"},
        extra,
    ]
