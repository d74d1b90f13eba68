"""What must hold of every pass, whatever happened before: one function each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tests.plan.world import NAMESPACE, Body, Pass, World, at_gateways, named_by, walk, weights_of

from laneway.plan.observed import AppSeen, Role, VersionSeen, Weights
from laneway.plan.records import under_way, views
from laneway.plan.result import AppPlan
from laneway.plan.sizing import size, surge_pods
from laneway.spec.app import App
from laneway.spec.meta import Key
from laneway.spec.release import Phase, Release
from laneway.spec.values import FULL


@dataclass(frozen=True, slots=True)
class Decided:
    """One app in one pass.

    served: the weights in the rules that each proxy has, of the mesh and of gateways; asked: the revisions
    that its headers lead to; with_others: of a release of several apps, what each of them was and is, this
    one included; else empty.
    """

    app: App
    seen: AppSeen
    plan: AppPlan
    active: Release | None
    base: int
    served: Sequence[Weights]
    asked: Sequence[frozenset[str]]
    with_others: Sequence[Decided] = ()

    @property
    def aborting(self) -> bool:
        return bool(self.active and self.active.status and self.active.status.phase is Phase.ABORTING)

    @property
    def before(self) -> Weights:
        return self.seen.written.weights if self.seen.written else {}

    @property
    def pods(self) -> dict[str, int]:
        return {version.revision: version.replicas for version in self.plan.versions}

    @property
    def candidate(self) -> str:
        return self.active.spec.apps[0].revision if self.active else ""

    @property
    def carried_back(self) -> bool:
        """Whether stable's available pods carry everything in an abort."""
        available = self.version(self.plan.stable).available
        return available * self.app.spec.release.rollback.overload // self.base >= FULL

    def version(self, revision: str) -> VersionSeen:
        return self.seen.versions.get(revision, VersionSeen())

    def inherits(self, revision: str) -> bool:
        """Whether a version may get everything, however few pods it has: those of the other side have died.

        Here, or, where versions of one side see each other, in any of the apps, and this side answers in all.
        """
        if self.plan.weights != {revision: FULL} or not self.version(revision).available:
            return False
        here = [other for other in self.before if other != revision]
        if here and not any(self.version(other).available for other in here):
            return True
        new = revision == self.candidate
        sides = [
            (d, d.candidate, d.plan.stable) if new else (d, d.plan.stable, d.candidate)
            for d in self.with_others
        ]
        return any(not d.version(theirs).available for d, _, theirs in sides) and all(
            d.version(own).available for d, own, _ in sides
        )


def violations(world: World, made: Pass) -> list[str]:
    """Everything that is wrong with a pass. Proxies are as they were when it was made."""
    found = [f"versions_of_one_release_are_never_mixed: {text}" for text in never_mixed(world)]
    releases = {**made.spec.releases, **{release.key: release for release in made.plan.releases}}
    apps = {planned.key: _decided(world, made, planned, releases.values()) for planned in made.plan.apps}
    for key, alone in apps.items():
        decided = replace(
            alone, with_others=[apps[part] for part in _parts(releases.values(), key) if part in apps]
        )
        for invariant in APP_INVARIANTS:
            found += (f"{invariant.__name__}: {key.name} {text}" for text in invariant(decided))
    return found + [f"lanes: {text}" for text in lanes_keep_what_rules_name(world, made)]


def _decided(world: World, made: Pass, planned: AppPlan, releases: Iterable[Release]) -> Decided:
    app, key = made.spec.apps[planned.key], planned.key
    own = [view for each in releases for of, view in views(each).items() if of == key]
    rules = [proxy.has.get(("VirtualService", key)) for proxy in world.proxies]
    served, asked = [weights_of(has) for has in rules], [named_by(has) for has in rules]
    served += [shares for proxy in world.proxies for shares in at_gateways(proxy, key)]
    seen, active = made.seen.apps[key], under_way(key, own)
    return Decided(app, seen, planned, active, made.spec.replicas(app), served, asked)


def _parts(releases: Iterable[Release], app: Key) -> tuple[Key, ...]:
    """The apps of the running release of several that this app is in."""
    running = [r for r in releases if len(r.spec.apps) > 1 and r.status and not r.status.phase.over]
    return next((tuple(views(release)) for release in running if app in views(release)), ())


def weights_are_whole(d: Decided) -> Iterator[str]:
    """Weights are above zero and sum to the whole, or to less by a rounding rest; at most two versions."""
    total = sum(d.plan.weights.values())
    if d.plan.weights and not FULL - len(d.plan.weights) < total <= FULL:
        yield f"has weights {d.plan.weights}"
    if any(weight <= 0 for weight in d.plan.weights.values()) or len(d.plan.weights) > 2:
        yield f"has weights {d.plan.weights}"


def one_version_is_stable(d: Decided) -> Iterator[str]:
    """Exactly one kept template is stable."""
    stable = [version.revision for version in d.plan.versions if version.role is Role.STABLE]
    if stable != [d.plan.stable]:
        yield f"has the stable versions {stable}, not {d.plan.stable}"


def no_weight_above_available_pods(d: Decided) -> Iterator[str]:
    """Raised are: what available pods carry, stable at overload in an abort, the heir of the dead."""
    for revision, weight in d.plan.weights.items():
        available = d.version(revision).available
        if weight <= d.before.get(revision, 0) or available >= size(weight, d.base):
            continue
        first = d.seen.written is None and available and d.plan.weights == {revision: FULL}
        overload = d.app.spec.release.rollback.overload
        back = d.aborting and revision == d.plan.stable and available * overload // d.base >= weight
        if not (first or back or d.inherits(revision)):
            yield f"raises {revision} to {weight} with {available} available pods of {d.base}"


def subsets_are_confirmed_before_they_are_named(d: Decided) -> Iterator[str]:
    """Rules name a subset that every proxy knows, or that they named already; an abort does not wait."""
    named = {*d.before, *(d.seen.written.named if d.seen.written else ())}
    for revision in d.plan.weights:
        if not d.aborting and revision not in d.seen.subsets and revision not in named:
            yield f"names the subset of {revision}, which not every proxy knows"


def subsets_stay_while_named(d: Decided) -> Iterator[str]:
    """A subset that rules name, or that some proxy's rules name, is in the DestinationRule."""
    subsets = {version.revision for version in d.plan.versions if version.subset}
    asked_for = [d.plan.candidate] if d.plan.candidate else []
    for named in (d.plan.weights, d.before, asked_for, *d.served, *d.asked):
        for revision in named:
            if revision not in subsets:
                yield f"has no subset for {revision}, which rules name"


def pods_stay_while_needed(d: Decided) -> Iterator[str]:
    """No version loses pods that some proxy's rules, or an open request, may need."""
    for revision, seen in d.seen.versions.items():
        planned = d.pods.get(revision, 0)
        if planned >= seen.desired:
            continue
        weight = max((weights.get(revision, 0) for weights in (d.before, *d.served)), default=0)
        needed = max(size(weight, d.base), any(revision in asked for asked in d.asked))
        if planned < needed or not seen.drained:
            yield f"takes {revision} from {seen.desired} to {planned} pods, at weight {weight}, {seen}"


def a_forward_move_stays_within_the_surge(d: Decided) -> Iterator[str]:
    """The candidate grows only while all pods that exist or are planned stay within base + surge."""
    if d.active is None or d.aborting:
        return
    candidate = d.active.spec.apps[0].revision
    seen, planned = d.version(candidate), d.pods.get(candidate, 0)
    if planned <= max(
        seen.desired, size(max(d.before.get(candidate, 0), d.plan.weights.get(candidate, 0)), d.base)
    ):
        return
    others = {*d.seen.versions, *d.pods} - {candidate}
    total = sum(max(d.version(other).pods, d.pods.get(other, 0)) for other in others)
    total += planned + max(0, seen.pods - seen.desired)
    surge = surge_pods(d.base, d.app.spec.scale.surge if d.app.spec.scale else 2_500)
    if d.app.spec.release.keep_old:
        surge = d.base
    if total > d.base + surge:
        yield f"holds {total} pods, above {d.base} + {surge}"


def a_forward_move_waits_for_every_proxy(d: Decided) -> Iterator[str]:
    """The candidate gets more weight only when every proxy serves the last, or when stable is dead."""
    if d.active is None or d.aborting or not d.before:
        return
    raised = d.plan.weights.get(d.candidate, 0) > d.before.get(d.candidate, 0)
    if raised and not d.inherits(d.candidate) and any(weights != d.before for weights in d.served):
        yield f"moves on to {d.plan.weights} while proxies serve {d.served}"


def only_the_release_under_way_gets_weight(d: Decided) -> Iterator[str]:
    """Beside stable only the candidate gets weight: a newer one waits for the old one's return."""
    candidate = d.active.spec.apps[0].revision if d.active else d.plan.stable
    for revision, weight in d.plan.weights.items():
        if revision not in {d.plan.stable, candidate} and weight > d.before.get(revision, 0):
            yield f"raises {revision}, which is not released"


def an_abort_moves_without_confirmation(d: Decided) -> Iterator[str]:
    """Once stable's available pods carry everything at overload, an abort gives it everything at once.

    Of several apps once they do so in each: what is drawn to stable at one of them comes to it at all.
    """
    carried = all(each.carried_back for each in (d, *d.with_others))
    if d.aborting and carried and d.plan.weights != {d.plan.stable: FULL}:
        yield f"aborts, but stays at {d.plan.weights}"


def no_dead_version_keeps_weight(d: Decided) -> Iterator[str]:
    """A version without any available pod has no weight beside one that has some."""
    alive = [revision for revision in d.plan.weights if d.version(revision).available]
    if alive and len(alive) < len(d.plan.weights):
        yield f"keeps {d.plan.weights}, of which only {alive} can answer"


def no_side_is_drawn_that_is_dead_elsewhere(d: Decided) -> Iterator[str]:
    """Of several apps: requests drawn here to a side that has no pod at another would fail there.

    Unless the other side is dead somewhere, too, or some proxy cannot lead requests to the new one yet.
    """
    new, old = [(e, e.candidate) for e in d.with_others], [(e, e.plan.stable) for e in d.with_others]
    for drawn, side, other in ((d.candidate, new, old), (d.plan.stable, old, new)):
        lost = any(not each.version(revision).available for each, revision in side)
        answers = all(each.version(revision).available for each, revision in other)
        beside = other is old or any(set(each.before) & {each.candidate} for each in d.with_others)
        if lost and answers and beside and d.plan.weights.get(drawn):
            yield f"draws {drawn}, which is dead elsewhere: {d.plan.weights}"


def only_what_can_answer_is_asked_for(d: Decided) -> Iterator[str]:
    """A header leads to the candidate while it has a pod and its subset is known; never in an abort."""
    revision = d.plan.candidate
    if revision is None:
        return
    named = d.before if d.seen.written is None else {*d.before, *d.seen.written.named}
    if revision not in d.seen.subsets and revision not in named:
        yield f"leads to {revision}, which not every proxy knows"
    if not d.version(revision).available or d.aborting:
        yield f"leads to {revision}, which has {d.version(revision)}"


APP_INVARIANTS = (
    only_what_can_answer_is_asked_for,
    no_dead_version_keeps_weight,
    no_side_is_drawn_that_is_dead_elsewhere,
    weights_are_whole,
    one_version_is_stable,
    no_weight_above_available_pods,
    subsets_are_confirmed_before_they_are_named,
    subsets_stay_while_named,
    pods_stay_while_needed,
    a_forward_move_stays_within_the_surge,
    a_forward_move_waits_for_every_proxy,
    only_the_release_under_way_gets_weight,
    an_abort_moves_without_confirmation,
)


STARTS: tuple[dict[str, str], ...] = (
    {},
    {"x-version": "candidate"},
    {"x-version": "stable"},
    {"x-lane": "no"},
)
"""Headers of requests from outside the mesh; only lanes and cohorts are passed on."""


def never_mixed(world: World) -> Iterator[str]:
    """Walks every request through two apps of a release, each hop as any of the proxies has its rules."""
    for (kind, _), body in world.store.items():
        phase = body.get("status", {}).get("phase")
        if (
            kind == "Release"
            and len(body["spec"]["apps"]) > 1
            and phase in ("Progressing", "Paused", "Aborting")
        ):
            yield from mixed(world, {part["name"]: part["revision"] for part in body["spec"]["apps"]})


def mixed(world: World, candidates: dict[str, str]) -> Iterator[str]:
    """Requests that reach the new version of one app and the old one of another."""
    for first, new in candidates.items():
        for second, other in candidates.items():
            if first == second:
                continue
            for start in STARTS:
                for reached, headers in _drawn(world, first, start):
                    for then, _ in _drawn(world, second, headers):
                        if (reached == new) != (then == other):
                            yield f"{start}: {first} {reached}, then {headers}: {second} {then}"


def _drawn(world: World, app: str, headers: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Where a request may get to by any proxy's rules, and what its context is from there on."""
    context = {name: value for name, value in headers.items() if name != "x-version"}
    for proxy in world.proxies:
        rules = proxy.has.get(("VirtualService", Key(NAMESPACE, app)))
        rule = walk(rules, "/", headers) if rules else None
        for route in rule.get("route", ()) if rule else ():
            given = route.get("headers", {}).get("request", {}).get("set", {})
            if subset := route["destination"].get("subset"):
                yield subset.removeprefix("r-"), context | given


def lanes_keep_what_rules_name(world: World, made: Pass) -> Iterator[str]:
    """A lane's version that some proxy's rules name keeps its pods, unless its Deployment was taken away."""
    planned = {(version.lane.name, version.app) for version in made.plan.lanes if version.replicas}
    for proxy in world.proxies:
        for app in made.spec.apps:
            rules = proxy.has.get(("VirtualService", app))
            for lane in lanes_named(rules, app) if rules else ():
                there = app.name in made.seen.lanes.get(Key(app.namespace, lane), {})
                if there and (lane, app.name) not in planned:
                    yield f"{app.name} of lane {lane} goes, while rules name it"


def lanes_named(rules: Body, app: Key) -> set[str]:
    """The lanes whose Services an app's rules name."""
    services = {
        route["destination"]["host"].split(".")[0]
        for r in rules["spec"]["http"]
        for route in r.get("route", ())
    }
    return {service.removeprefix(f"{app.name}-") for service in services if service != app.name}


def requests_stay_in_their_lane(world: World, paths: dict[str, str]) -> Iterator[str]:
    """Walks the stored rules. paths: a path of each app on the gateway host that the apps share."""
    lanes = {key.name: body["spec"] for (kind, key), body in world.store.items() if kind == "Lane"}
    for (kind, key), rules in world.store.items():
        if kind == "VirtualService":
            for app, path in paths.items():
                if key.name in {app, "gateway.shop.example"}:
                    for lane in (None, "nobody", *lanes):
                        yield from _strays(rules, key.name == app, app, path, lane, lanes, world.role)


def _strays(
    rules: Body, at_mesh: bool, app: str, path: str, lane: str | None, lanes: dict[str, Body], role: object
) -> Iterator[str]:
    spec = lanes.get(lane or "", {})
    rule = walk(rules, path, {"x-lane": spec.get("value", lane)} if lane else {})
    if rule is None:
        return
    if "directResponse" in rule:
        if spec.get("fallback", {}).get("else") != "refuse":
            yield f"lane {lane} is refused by {app}"
        return
    chain = (
        {f"{app}-{name}" for name in (lane, *spec.get("fallback", {}).get("through", ()))} if spec else set()
    )
    for route in rule["route"]:
        service = route["destination"]["host"].removesuffix(f".{NAMESPACE}.svc.cluster.local")
        if service != app and service not in chain:
            yield f"a request of lane {lane} for {app} reaches {service}"
        shares = len(rules["spec"]["http"][-1]["route"]) if at_mesh else 1
        if lane and service == app and at_mesh and shares > 1 and len(rule["route"]) > 1:
            yield f"a request of lane {lane} for {app} may reach the candidate"
