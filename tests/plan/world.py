"""A small world for the planner: a store, pods that start, die and drain, proxies that lag, a clock.

It is read and written with the reconcile loop's own `observe` and `changes`; only what runs is pretended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from laneway.control.changes import Changes, changes
from laneway.control.observe import Parsed, observe
from laneway.control.observe import wanted as desired
from laneway.manifests import names
from laneway.manifests.names import managed
from laneway.plan.gates import Gate
from laneway.plan.observed import AppSeen, Counts, CountsId, Evidence, GateId, Observed, VersionSeen
from laneway.plan.planner import ALL_GATES, plan
from laneway.plan.records import is_of
from laneway.plan.requests import ObjectionError, requested
from laneway.plan.result import Plan, Report
from laneway.plan.revision import revision_of
from laneway.spec.kubernetes import PodTemplate
from laneway.spec.meta import Key
from laneway.spec.release import GateResult, Judged, Phase, Release, Request, Verb
from laneway.spec.world import Spec

Body = dict[str, Any]
Ref = tuple[str, Key]

START = datetime(2030, 1, 1, tzinfo=UTC)
NAMESPACE = "shop"
STARTS_IN = timedelta(seconds=5)
DRAINS_IN = timedelta(seconds=3)


@dataclass(slots=True, eq=False)
class Pod:
    """One replica. leaves: when it has drained, None while it is wanted."""

    labels: Mapping[str, str]
    born: datetime
    ready: bool = False
    leaves: datetime | None = None


@dataclass(slots=True)
class Proxy:
    """What a proxy has acknowledged. frozen: it takes nothing; known: its acknowledgements are remembered."""

    has: dict[Ref, Body] = field(default_factory=dict)
    frozen: bool = False
    known: bool = True


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of the loop: what it saw, decided and changed."""

    spec: Spec
    seen: Observed
    plan: Plan
    report: Report
    changes: Changes

    @property
    def codes(self) -> set[str]:
        """The codes of the findings."""
        return {finding.code for finding in self.report.findings}


class World:
    """Everything outside of the planner. Passes are made by `reconcile`, time goes by only when told."""

    def __init__(self, gates: tuple[Gate, ...] = ALL_GATES, proxies: int = 2) -> None:
        self.now = START
        self.gates = gates
        self.store: dict[Ref, Body] = {}
        self.pods: list[Pod] = []
        self.proxies = [Proxy() for _ in range(proxies)]
        self.busy: set[str] = set()
        self.starting_fails: set[str] = set()
        self.results: dict[GateId, GateResult] = {}
        self.counts: dict[CountsId, Counts] = {}
        self.judged: dict[Key, Judged] = {}
        self._version = 0
        self._parsed = Parsed()

    # what people write

    def put(self, body: Body) -> None:
        """Store an object as the engine does: with identity, age and version."""
        ref = body["kind"], Key(body["metadata"].get("namespace", NAMESPACE), body["metadata"]["name"])
        before = self.store.get(ref)
        self._version += 1
        born = before["metadata"]["creationTimestamp"] if before else self.now.isoformat()
        server = {"creationTimestamp": born, "resourceVersion": str(self._version)}
        self.store[ref] = body | {"metadata": body["metadata"] | server}

    def remove(self, kind: str, name: str) -> None:
        """Delete an object."""
        self.store.pop((kind, Key(NAMESPACE, name)), None)

    def app(self, name: str = "pharmacy", image: str = "1", replicas: int = 4, **spec: Any) -> None:
        """Write an App and its Deployment."""
        deployment = {
            "workload": {"deployment": name},
            "service": {"ports": [{"port": 80, "targetPort": 8080}]},
        }
        self.put(_object("laneway.dev/v1alpha1", "App", name, deployment | spec))
        self.template(name, image, replicas)

    def template(self, name: str = "pharmacy", image: str = "1", replicas: int = 4) -> None:
        """Write the Deployment of an App."""
        container = {"name": name, "image": image, "ports": [{"containerPort": 8080}]}
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        self.put(_object("apps/v1", "Deployment", name, spec))

    def lane(self, name: str, *apps: str, image: str | None = "lane", **spec: Any) -> None:
        """Write a Lane that deploys these apps."""
        deployed = [{"name": app} | ({"image": image} if image else {}) for app in apps]
        self.put(_object("laneway.dev/v1alpha1", "Lane", name, {"apps": deployed} | spec))

    def together(self, name: str, **images: str) -> None:
        """Write new templates of several Apps, and the Release that they go in."""
        parts = []
        for app, image in images.items():
            before = self.store["Deployment", Key(NAMESPACE, app)]
            self.template(app, image, before["spec"]["replicas"])
            template = self.store["Deployment", Key(NAMESPACE, app)]["spec"]["template"]
            parts.append({"name": app, "revision": revision_of(PodTemplate.model_validate(template))})
        self.put(_object("laneway.dev/v1alpha1", "Release", name, {"apps": parts}))

    def ask(self, verb: Verb, app: str = "pharmacy", reason: str = "") -> str:
        """Write a person's word on an app's release as the engine does; returns why it was refused, if so."""
        spec, seen = self._observed()
        key = Key(NAMESPACE, app)
        known = seen.apps.get(key, AppSeen())
        kept = {revision: each.role for revision, each in known.kept.items()}
        try:
            release = requested(spec, kept, key, Request(verb=verb, at=self.now, reason=reason))
        except ObjectionError as objection:
            return str(objection)
        body = release.written()
        if verb is Verb.RETRY:
            body.pop("status")
        self.put(body)
        return ""

    # what happens

    def tick(self, seconds: float = 1) -> None:
        """Let time pass: pods become ready, drained ones leave."""
        self.now += timedelta(seconds=seconds)
        self._control_pods()
        for pod in self.pods:
            revision = pod.labels.get(names.REVISION, "")
            if (
                pod.leaves is None
                and pod.born + STARTS_IN <= self.now
                and revision not in self.starting_fails
            ):
                pod.ready = True
        self.pods = [pod for pod in self.pods if pod.leaves is None or pod.leaves > self.now]

    def sync(self, *proxies: int, subsets_only: bool = False) -> None:
        """Proxies (all without any) take what is stored, clusters before rules; frozen ones do not."""
        for index, proxy in enumerate(self.proxies):
            if proxy.frozen or (proxies and index not in proxies):
                continue
            if subsets_only:
                proxy.has |= {
                    r: self._with_old(r, proxy.has) for r in self.store if r[0] == "DestinationRule"
                }
            else:
                proxy.has, proxy.known = dict(self.store), True

    def restart(self) -> None:
        """Lose everything but the store: proxies have to confirm again."""
        self._parsed = Parsed()
        self.results.clear()
        self.counts.clear()
        self.judged.clear()
        for proxy in self.proxies:
            proxy.known = False

    def kill(self, revision: str, count: int = 10**6) -> None:
        """Pods of a revision (or of a lane) die."""
        dying = [pod for pod in self.pods if revision in pod.labels.values()][:count]
        self.pods = [pod for pod in self.pods if not any(pod is each for each in dying)]

    def reconcile(self, stop_after: int | None = None) -> Pass:
        """One pass; killed after so many of its changes."""
        bodies = self._bodies()
        spec = desired(bodies, self._parsed)
        seen = observe(spec, bodies, self, self._parsed)
        planned, report = plan(spec, seen, self.now, self.gates)
        wanted = changes(spec, planned, bodies)
        for index, change in enumerate(self._steps(wanted)):
            if stop_after is not None and index >= stop_after:
                break
            change()
        self._control_pods()
        return Pass(spec, seen, planned, report, wanted)

    def _bodies(self) -> dict[str, list[Body]]:
        bodies: dict[str, list[Body]] = {}
        for (kind, _), body in self.store.items():
            bodies.setdefault(kind, []).append(body)
        return bodies

    def _observed(self) -> tuple[Spec, Observed]:
        bodies = self._bodies()
        spec = desired(bodies, self._parsed)
        return spec, observe(spec, bodies, self, self._parsed)

    def _steps(self, wanted: Changes) -> Iterator[Any]:
        for record in wanted.records:
            yield lambda record=record: self.put(record.release.written())
        for write in wanted.writes:
            yield lambda write=write: self.put(write.body)
        for gone in wanted.removals:
            yield lambda gone=gone: self.store.pop((gone.kind, gone.key))

    def settle(self, limit: int = 400, until: Any = None) -> Pass:
        """Passes in a healthy world until nothing changes or waits for the clock, or until a condition."""
        for _ in range(limit):
            made = self.reconcile()
            if until is not None and until():
                return made
            waits = any(pod.leaves or not pod.ready for pod in self.pods)
            if not made.changes and self.in_sync and not waits and until is None:
                if made.plan.wake is None or not self.anything_running:
                    return made
                self.now = max(self.now, made.plan.wake)
            self.sync()
            self.tick()
        raise AssertionError(f"did not settle in {limit} passes: {made.report}")

    def _control_pods(self) -> None:
        """The Deployment controller: as many pods as wanted; those that are not ready go first."""
        wanted: set[int] = set()
        for (kind, _), body in self.store.items():
            if kind == "Deployment" and managed(body):
                spec, selector = body["spec"], body["spec"]["selector"]["matchLabels"].items()
                mine = [p for p in self.pods if p.leaves is None and selector <= p.labels.items()]
                mine += [
                    Pod(spec["template"]["metadata"]["labels"], self.now)
                    for _ in range(spec["replicas"] - len(mine))
                ]
                self.pods += [pod for pod in mine if pod not in self.pods]
                staying = sorted(mine, key=lambda pod: not pod.ready)[: spec["replicas"]]
                wanted |= {id(pod) for pod in staying}
        for pod in self.pods:
            if pod.leaves is None and id(pod) not in wanted:
                pod.ready, pod.leaves = False, self.now + DRAINS_IN

    # facts, as the planner's engine gives them

    def version(self, namespace: str, labels: Mapping[str, str]) -> VersionSeen:
        """The pods that carry these labels."""
        mine = [pod for pod in self.pods if labels.items() <= pod.labels.items()]
        drained = not any(value in self.busy for value in labels.values())
        return VersionSeen(0, len(mine), sum(pod.ready for pod in mine), drained)

    def confirmed(self, kind: str, key: Key) -> bool:
        """Whether every proxy has acknowledged the object as it is stored."""
        stored = self.store.get((kind, key))
        return all(p.known and p.has.get((kind, key)) == stored for p in self.proxies)

    def laggards(self) -> tuple[str, ...]:
        """Proxies that lack something."""
        return tuple(
            f"proxy-{i}" for i, p in enumerate(self.proxies) if not p.known or not self._is_current(p)
        )

    def surging(self) -> int:
        return 0

    def evidence(self) -> Evidence:
        """What the test says was found out."""
        return Evidence(self.results, self.counts, self.judged)

    @property
    def in_sync(self) -> bool:
        """Whether every proxy has everything."""
        return not self.laggards()

    def _is_current(self, proxy: Proxy) -> bool:
        return all(
            proxy.has.get(ref) == self.store.get(ref) for ref in {*self.store, *proxy.has} if _served(ref)
        )

    def _with_old(self, ref: Ref, old: Mapping[Ref, Body]) -> Body:
        """A DestinationRule as a proxy has it before its rules: new subsets beside those it has."""
        new, before = self.store[ref], old.get(ref)
        if before is None or before == new:
            return new
        listed = {subset["name"]: subset for body in (before, new) for subset in body["spec"]["subsets"]}
        same = all(subset in new["spec"]["subsets"] for subset in before["spec"]["subsets"])
        return new if same else new | {"spec": new["spec"] | {"subsets": list(listed.values())}}

    # what tests ask

    def releases(self, app: str = "pharmacy") -> list[Release]:
        """Every release of an app, oldest first."""
        found = [Release.model_validate(_unserved(b)) for (k, _), b in self.store.items() if k == "Release"]
        mine = [release for release in found if is_of(Key(NAMESPACE, app), release)]
        return sorted(mine, key=lambda r: (r.status.started_at if r.status else self.now, r.metadata.name))

    def running(self, app: str = "pharmacy") -> Release | None:
        """The release of an app that is under way."""
        return next((r for r in self.releases(app) if r.status and not r.status.phase.over), None)

    @property
    def anything_running(self) -> bool:
        """Whether any release is under way."""
        return any(
            release["status"]["phase"] not in {p.value for p in Phase if p.over}
            for (kind, _), release in self.store.items()
            if kind == "Release" and "status" in release
        )

    def weights(self, app: str = "pharmacy") -> dict[str, int]:
        """The weights in the app's rules as stored."""
        return weights_of(self.store.get(("VirtualService", Key(NAMESPACE, app))))

    def replicas(self, name: str) -> int:
        """What a Deployment asks for."""
        body = self.store.get(("Deployment", Key(NAMESPACE, name)))
        return body["spec"]["replicas"] if body else 0

    def role(self, app: str, revision: str) -> str | None:
        """What a kept template is to its app; None where it is not kept."""
        body = self.store.get(("ControllerRevision", Key(NAMESPACE, f"{app}-{revision}")))
        return body["metadata"]["labels"][names.ROLE] if body else None


def weights_of(rules: Body | None) -> dict[str, int]:
    """Basis points by revision in the last rule of a VirtualService."""
    if rules is None:
        return {}
    routes = rules["spec"]["http"][-1]["route"]
    shares = {
        route["destination"]["subset"].removeprefix("r-"): route.get("weight", 10_000) for route in routes
    }
    percent = sum(shares.values()) == 100
    return {revision: share * 100 if percent else share for revision, share in shares.items()}


def at_gateways(proxy: Proxy, app: Key) -> Iterator[dict[str, int]]:
    """The weights of an app in each VirtualService of a gateway host that a proxy has."""
    for (kind, _), rules in proxy.has.items():
        if kind == "VirtualService" and names.APP not in rules["metadata"].get("labels", {}):
            own = [rule for rule in rules["spec"]["http"] if _leads_to(rule, names.host(*app))]
            if own:
                yield weights_of({"spec": {"http": own}})


def _leads_to(rule: Body, host: str) -> bool:
    return any(route["destination"]["host"] == host for route in rule.get("route", ()))


def named_by(rules: Body | None) -> frozenset[str]:
    """Revisions that any rule of a VirtualService leads to."""
    http = rules["spec"]["http"] if rules else []
    subsets = (r["destination"].get("subset") for rule in http for r in rule.get("route", ()))
    return frozenset(subset.removeprefix("r-") for subset in subsets if subset)


def walk(rules: Body, path: str = "/", headers: Mapping[str, str] | None = None) -> Body | None:
    """The first rule of a VirtualService that holds for a request; None where none does."""
    for rule in rules["spec"]["http"]:
        if not rule.get("match") or any(_holds(match, path, headers or {}) for match in rule["match"]):
            return dict(rule)
    return None


def _holds(match: Body, path: str, headers: Mapping[str, str]) -> bool:
    uri = match.get("uri", {})
    if not path.startswith(uri.get("prefix", "")) or uri.get("exact", path) != path:
        return False
    conditions = match.get("headers", {})
    return all(
        name in headers and c.get("exact", headers[name]) == headers[name] for name, c in conditions.items()
    )


def _object(version: str, kind: str, name: str, spec: Body) -> Body:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }


def _served(ref: Ref) -> bool:
    return ref[0] in {"VirtualService", "DestinationRule", "Service"}


def _unserved(body: Body) -> Body:
    return {
        field: value
        for field, value in body.items()
        if field in {"apiVersion", "kind", "metadata", "spec", "status"}
    }
