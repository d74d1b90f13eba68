"""A Plan as objects: exactly what either engine applies. Deterministic: equal plans give equal lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from laneway.manifests import routes, services, workloads
from laneway.manifests.egress import egress
from laneway.manifests.workloads import Manifest
from laneway.plan.observed import AppSeen, Kept, LaneAppSeen, Observed, Role, Table, VersionSeen
from laneway.plan.planner import plan
from laneway.plan.result import AppPlan, LaneVersionPlan, Plan
from laneway.plan.revision import revision_of
from laneway.spec.app import App
from laneway.spec.meta import Key
from laneway.spec.values import FULL
from laneway.spec.world import Spec

AT_REST = datetime(2000, 1, 1, tzinfo=UTC)


def manifests(spec: Spec, planned: Plan) -> list[Manifest]:
    """Every derived object of a plan, in the order to apply them: workloads and subsets before rules."""
    apps = [(spec.apps[app.key], app) for app in planned.apps]
    header = spec.mesh.lane.header
    found: list[Manifest] = []
    for app, app_plan in apps:
        found += _app(app, app_plan)
    bases: dict[int, Manifest] = {}
    for version in planned.lanes:
        found += _lane(spec, version, bases)
    found += [routes.mesh_rules(app, app_plan, header) for app, app_plan in apps if app_plan.weights]
    serving = {app.key: (app, app_plan) for app, app_plan in apps if app_plan.weights}
    found += routes.gateway_rules(serving, header)
    found += egress(spec)
    return found


def _app(app: App, planned: AppPlan) -> Iterator[Manifest]:
    for version in planned.versions:
        yield workloads.kept_template(app.key, version)
        if version.replicas:
            yield workloads.revision_deployment(app.key, version, app.spec.release.drain)
            if app.spec.scale and (scaler := workloads.autoscaler(planned, version, app.spec.scale)):
                yield scaler
    yield services.app_service(app)
    if app.spec.scale and app.spec.scale.disruption:
        yield workloads.disruption_budget(app.key, app.spec.scale.disruption)
    yield services.subsets(app, planned)


def _lane(spec: Spec, version: LaneVersionPlan, bases: dict[int, Manifest]) -> Iterator[Manifest]:
    """bases: the templates written so far, by identity: the lanes of an app mostly have the same one."""
    if id(version.template) not in bases:
        bases[id(version.template)] = version.template.written()
    yield workloads.lane_deployment(version, bases[id(version.template)])
    app = spec.apps.get(Key(version.lane.namespace, version.app))
    if app is not None:
        yield services.lane_service(app, version)
        if policy := services.lane_policy(app, version):
            yield policy


def render(spec: Spec) -> list[Manifest]:
    """What is applied once everything has settled: every app at its template's revision, every lane ready."""
    planned, _ = plan(spec, settled(spec), AT_REST)
    return manifests(spec, planned)


def settled(spec: Spec) -> Observed:
    """The world in which nothing is left to do for this spec."""
    apps: dict[Key, AppSeen] = {}
    for key, app in spec.apps.items():
        template = spec.template(app)
        if template is None:
            continue
        revision, replicas = revision_of(template), spec.replicas(app)
        apps[key] = AppSeen(
            kept={revision: Kept(template, Role.STABLE)},
            versions={revision: VersionSeen(replicas, replicas, replicas)},
            written=Table({revision: FULL}),
            confirmed=True,
            subsets=frozenset({revision}),
        )
    return Observed(apps=apps, lanes={key: _settled_lane(spec, key, apps) for key in spec.lanes})


def _settled_lane(spec: Spec, lane: Key, apps: dict[Key, AppSeen]) -> dict[str, LaneAppSeen]:
    found: dict[str, LaneAppSeen] = {}
    for wanted in spec.lanes[lane].spec.apps:
        app = apps.get(Key(lane.namespace, wanted.name))
        if app is not None:
            base, kept = next(iter(app.kept.items()))
            pods = VersionSeen(wanted.replicas, wanted.replicas, wanted.replicas)
            found[wanted.name] = LaneAppSeen(base, kept.template, pods, confirmed=True)
    return found
