"""Planning: a pass of the planner, and the objects of its plan, with every app in the middle of a canary.

Each of the apps is deployed by each of the lanes, which is more than anyone has: 1,000 apps and 20 lanes are
20,000 versions. The inputs are parsed objects, as the loop keeps them from one pass to the next.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from time import process_time

from bench.figures import Figure, spread
from laneway.manifests.render import manifests
from laneway.plan.observed import AppSeen, Kept, LaneAppSeen, Observed, Role, Table, VersionSeen
from laneway.plan.planner import plan
from laneway.plan.revision import revision_of
from laneway.spec.app import App
from laneway.spec.kubernetes import PodTemplate
from laneway.spec.lane import Lane
from laneway.spec.meta import Key
from laneway.spec.release import Release
from laneway.spec.world import Spec

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NAMESPACE = "shop"


def figures() -> Iterator[Figure]:
    """The planner's time, and that of the manifests, small and large."""
    for apps, lanes, repeats, aim_ms in ((1, 0, 200, 1.0), (1, 20, 200, None), (1_000, 20, 7, 1_000.0)):
        spec, seen = world(apps, lanes)
        planned, _ = plan(spec, seen, NOW)
        size = f"{apps:,} app{'s' if apps > 1 else ''} x {lanes} lanes"
        yield _figure(f"plan, {size}", times(partial(plan, spec, seen, NOW), repeats), aim_ms)
        yield _figure(f"manifests, {size}", times(partial(manifests, spec, planned), repeats), None)


def _figure(what: str, samples_ms: list[float], aim_ms: float | None) -> Figure:
    value = spread(samples_ms, "ms", 2 if samples_ms[0] < 10 else 0)
    if aim_ms is None:
        return Figure(what, value)
    return Figure(what, value, f"< {aim_ms:,.0f} ms", sorted(samples_ms)[len(samples_ms) // 2] < aim_ms)


def times(run: Callable[[], object], repeats: int) -> list[float]:
    """Milliseconds of CPU of each run (planning waits for nothing), after one that is not counted."""
    run()
    gc.collect()
    samples = []
    for _ in range(repeats):
        start = process_time()
        run()
        samples.append((process_time() - start) * 1_000)
    return samples


def template(name: str, tag: str) -> PodTemplate:
    """A usual template: a dozen variables, a port, a probe."""
    container = {
        "name": name,
        "image": f"registry.example/shop/{name}:{tag}",
        "env": [{"name": f"SETTING_{number}", "value": str(number)} for number in range(12)],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
    }
    labels = {"app": name, "team": "platform"}
    return PodTemplate.model_validate({"metadata": {"labels": labels}, "spec": {"containers": [container]}})


def world(apps: int, lanes: int) -> tuple[Spec, Observed]:
    """Apps that hold 20 % on their way from 1 to 2, all of them in all lanes."""
    keys = [Key(NAMESPACE, f"app-{number}") for number in range(apps)]
    old = {key: template(key.name, "1") for key in keys}
    spec = Spec(
        apps={key: _app(key) for key in keys},
        lanes={lane.key: lane for lane in (_lane(number, keys) for number in range(lanes))},
        releases={release.key: release for release in (_release(key, old[key]) for key in keys)},
    )
    one = VersionSeen(1, 1, 1)
    lanes_seen = {
        lane: {key.name: LaneAppSeen(revision_of(old[key]), old[key], one, confirmed=True) for key in keys}
        for lane in spec.lanes
    }
    served = frozenset(lane.name for lane in spec.lanes)
    return spec, Observed({key: _seen(key, old[key], served) for key in keys}, lanes_seen)


def _app(key: Key) -> App:
    rules = [{"match": [{"uri": {"prefix": f"/{path}"}}], "timeout": "5s"} for path in ("a", "b")]
    spec = {
        "workload": {"template": template(key.name, "2").written()},
        "service": {"ports": [{"port": 80, "targetPort": 8080}]},
        "routing": {"gateways": ["public"], "hosts": [f"{key.name}.example"], "http": rules},
        "scale": {"replicas": 10},
    }
    return App.model_validate({"metadata": {"name": key.name, "namespace": key.namespace}, "spec": spec})


def _lane(number: int, keys: list[Key]) -> Lane:
    deployed = [{"name": key.name, "image": f"registry.example/shop/{key.name}:pr-{number}"} for key in keys]
    metadata = {"name": f"lane-{number}", "namespace": NAMESPACE}
    return Lane.model_validate({"metadata": metadata, "spec": {"apps": deployed}})


def _release(key: Key, old: PodTemplate) -> Release:
    begun = NOW - timedelta(seconds=60)
    status = {
        "stable": revision_of(old),
        "base": 10,
        "startedAt": begun,
        "stepStartedAt": begun,
        "heldSince": begun,
    }
    spec = {"apps": [{"name": key.name, "revision": revision_of(template(key.name, "2"))}]}
    metadata = {"name": f"{key.name}-2", "namespace": key.namespace}
    return Release.model_validate({"metadata": metadata, "spec": spec, "status": status})


def _seen(key: Key, old: PodTemplate, lanes: frozenset[str]) -> AppSeen:
    new = template(key.name, "2")
    stable, candidate = revision_of(old), revision_of(new)
    return AppSeen(
        kept={stable: Kept(old, Role.STABLE), candidate: Kept(new, Role.CANDIDATE)},
        versions={stable: VersionSeen(8, 8, 8), candidate: VersionSeen(2, 2, 2)},
        written=Table({stable: 8_000, candidate: 2_000}, lanes),
        confirmed=True,
        subsets=frozenset({stable, candidate}),
    )
