"""Stored objects and live facts as the planner's (Spec, Observed). Pure.

Must not know how objects are stored, pods run or proxies confirm: an engine gives these as `Facts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from laneway.manifests import names
from laneway.manifests.reading import shares_of, table_of, template_of
from laneway.manifests.routes import gateway_hosts
from laneway.plan.observed import (
    AppSeen,
    Evidence,
    Kept,
    LaneAppSeen,
    Observed,
    Role,
    Table,
    VersionSeen,
    Weights,
)
from laneway.spec.istio import VirtualService
from laneway.spec.kubernetes import PodTemplate
from laneway.spec.load import KINDS, parse, spec_of
from laneway.spec.meta import Key, Object, key_of
from laneway.spec.template import Template
from laneway.spec.world import FOLDER, Spec

Body = Mapping[str, Any]

ReadTemplate = Callable[[Body], Template]

SPEC_KINDS = tuple(KINDS)
"""Kinds that say what people want."""


class Facts(Protocol):
    """What an engine knows beside the objects."""

    def version(self, namespace: str, labels: Mapping[str, str]) -> VersionSeen:
        """The pods that carry these labels; `desired` is ignored."""

    def confirmed(self, kind: str, key: Key) -> bool:
        """Whether every proxy serves the object as it is stored."""

    def laggards(self) -> tuple[str, ...]:
        """Proxies that have not confirmed everything."""

    def evidence(self) -> Evidence:
        """What was found out about releases under way."""

    def surging(self) -> int:
        """Pods beside the bases of apps that are planned elsewhere; 0 where all are planned together."""


class Parsed:
    """Objects parsed once for each resource version."""

    def __init__(self, read_template: ReadTemplate = PodTemplate.model_validate) -> None:
        """read_template: from its JSON values. Raises ValueError for one that is damaged."""
        self._read_template = read_template
        self._objects: dict[tuple[str, Key], tuple[str, Object]] = {}
        self._templates: dict[tuple[str, Key], tuple[str, Template]] = {}
        self._shares: dict[Key, tuple[str, dict[str, Weights]]] = {}

    def object(self, body: Body) -> Object:
        """The object as a model."""
        known, version = (body["kind"], key_of(body)), body["metadata"].get("resourceVersion", "")
        if (found := self._objects.get(known)) and found[0] == version:
            return found[1]
        parsed = parse(dict(body))
        self._objects[known] = (version, parsed)
        return parsed

    def forget(self, kind: str, key: Key) -> None:
        """The object is not needed any more."""
        self._objects.pop((kind, key), None)

    def template(self, key: Key, body: Body, written: Body) -> Template:
        """A pod template inside an object."""
        known, version = (body["kind"], key), body["metadata"].get("resourceVersion", "")
        if (found := self._templates.get(known)) and found[0] == version:
            return found[1]
        parsed = self._read_template(written)
        self._templates[known] = (version, parsed)
        return parsed

    def shares(self, body: Body) -> Mapping[str, Weights]:
        """What a VirtualService draws by, for each host."""
        key, version = key_of(body), body["metadata"].get("resourceVersion", "")
        if (found := self._shares.get(key)) and found[0] == version:
            return found[1]
        rules = self.object(body)
        assert isinstance(rules, VirtualService)
        self._shares[key] = (version, shares := shares_of(rules))
        return shares


def labels_of(body: Body) -> Mapping[str, str]:
    """Labels of an object as JSON values."""
    labels: Mapping[str, str] = body["metadata"].get("labels") or {}
    return labels


def folder_of(body: Body) -> str:
    """The folder that a template in an object was applied from, empty where that is not said."""
    folder: str = (body["metadata"].get("annotations") or {}).get(FOLDER, "")
    return folder


def wanted(objects: Mapping[str, Iterable[Body]], parsed: Parsed) -> Spec:
    """What people want. objects: as stored, by kind."""
    return spec_of(
        parsed.object(body)
        for kind in SPEC_KINDS
        for body in objects.get(kind, ())
        if not names.managed(body)
    )


def observe(spec: Spec, objects: Mapping[str, Iterable[Body]], facts: Facts, parsed: Parsed) -> Observed:
    """What there is of what people want. objects: as stored, by kind."""
    deployments = [body for body in objects.get("Deployment", ()) if names.managed(body)]
    kept = _kept(objects.get("ControllerRevision", ()), deployments, parsed)
    scalers = [body for body in objects.get("HorizontalPodAutoscaler", ()) if names.managed(body)]
    versions = _versions(deployments, scalers, kept, facts)
    rules = {key_of(b): b for b in objects.get("VirtualService", ()) if names.managed(b)}
    subsets = {key_of(b): b for b in objects.get("DestinationRule", ()) if names.managed(b)}
    named = _rules_by_app(spec)
    apps = {
        key: AppSeen(
            kept=kept.get(key, {}),
            versions=versions.get(key, {}),
            written=_table(key, rules, parsed),
            confirmed=_confirmed(key, [rules[k] for k in named[key] if k in rules], facts, parsed),
            subsets=_listed(subsets.get(key)) if facts.confirmed("DestinationRule", key) else frozenset(),
            listed=_listed(subsets.get(key)),
        )
        for key in spec.apps
    }
    lanes = _lanes(deployments, facts, parsed)
    return Observed(
        apps=apps, lanes=lanes, laggards=facts.laggards(), evidence=facts.evidence(), surging=facts.surging()
    )


def _kept(bodies: Iterable[Body], deployments: Iterable[Body], parsed: Parsed) -> dict[Key, dict[str, Kept]]:
    """The templates of each app, oldest first. One that is lost or damaged is read from what runs of it."""
    found: dict[Key, dict[str, Kept]] = {}
    for body in sorted(bodies, key=lambda b: (b["metadata"].get("creationTimestamp", ""), key_of(b))):
        app, revision = _of_app(body)
        if app.name and names.managed(body) and (kept := _readable(body, parsed)):
            found.setdefault(app, {})[revision] = kept
    for body in deployments:
        app, revision = _of_app(body)
        if app.name and revision not in found.get(app, {}):
            template = parsed.template(key_of(body), body, template_of(body))
            found.setdefault(app, {})[revision] = Kept(template, Role.RETIRED, folder_of(body))
    return found


def _readable(body: Body, parsed: Parsed) -> Kept | None:
    """What a ControllerRevision keeps; None where somebody has damaged it."""
    try:
        template = parsed.template(key_of(body), body, body["data"]["template"])
        return Kept(template, Role(labels_of(body)[names.ROLE]), folder_of(body))
    except (LookupError, TypeError, ValueError):
        return None


def _of_app(body: Body) -> tuple[Key, str]:
    """The app that an object is a revision's of, its name empty where it is none's; and the revision."""
    labels = labels_of(body)
    return Key(key_of(body).namespace, labels.get(names.APP, "")), labels.get(names.REVISION, "")


def _versions(
    deployments: Iterable[Body],
    scalers: Iterable[Body],
    kept: Mapping[Key, Mapping[str, Kept]],
    facts: Facts,
) -> dict[Key, dict[str, VersionSeen]]:
    desired = {_of_app(body): body["spec"]["replicas"] for body in deployments}
    asked = {_of_app(body): _asked(body) for body in scalers}
    found: dict[Key, dict[str, VersionSeen]] = {}
    for app, revisions in kept.items():
        for revision in revisions:
            seen = facts.version(app.namespace, {names.APP: app.name, names.REVISION: revision})
            wanted = desired.get((app, revision), 0)
            if wanted or seen.pods:
                version = replace(seen, desired=wanted, asked=asked.get((app, revision), 0))
                found.setdefault(app, {})[revision] = version
    return found


def _asked(scaler: Body) -> int:
    """What an autoscaler asks for beyond its minimum; nothing while it has not seen its newest bounds."""
    status, asked = scaler.get("status") or {}, 0
    if status.get("observedGeneration") == scaler["metadata"].get("generation"):
        asked = status.get("desiredReplicas", 0)
    return asked if asked > scaler["spec"]["minReplicas"] else 0


def _table(app: Key, rules: Mapping[Key, Body], parsed: Parsed) -> Table | None:
    body = rules.get(app)
    if body is None:
        return None
    written = parsed.object(body)
    assert isinstance(written, VirtualService)
    return table_of(app, written)


def _confirmed(app: Key, rules: Sequence[Body], facts: Facts, parsed: Parsed) -> bool:
    """Whether every proxy serves the app's weights, at gateways too.

    After a write that was cut short, the rules of a gateway may still be older ones that all of them serve.
    """
    host = names.host(*app)
    drawn = [shares for each in rules if (shares := parsed.shares(each).get(host))]
    same = all(shares == drawn[0] for shares in drawn)
    return same and all(facts.confirmed("VirtualService", key_of(each)) for each in rules)


def _rules_by_app(spec: Spec) -> dict[Key, list[Key]]:
    """The VirtualServices that hold an app's rules: of its mesh host, and of each of its gateway hosts."""
    found = {app: [app] for app in spec.apps}
    for rules, (_, sharing) in gateway_hosts(spec.apps.values()).items():
        for app in sharing:
            found[app.key].append(rules)
    return found


def _listed(rule: Body | None) -> frozenset[str]:
    """The revisions whose subsets a DestinationRule has."""
    listed = rule["spec"]["subsets"] if rule else ()
    return frozenset(names.revision_of_subset(subset["name"]) for subset in listed)


def _lanes(deployments: Iterable[Body], facts: Facts, parsed: Parsed) -> dict[Key, dict[str, LaneAppSeen]]:
    found: dict[Key, dict[str, LaneAppSeen]] = {}
    for body in deployments:
        labels, key = labels_of(body), key_of(body)
        if names.LANE not in labels:
            continue
        lane, app = labels[names.LANE], labels[names.LANE_APP]
        seen = facts.version(key.namespace, {names.LANE: lane, names.LANE_APP: app})
        found.setdefault(Key(key.namespace, lane), {})[app] = LaneAppSeen(
            base=labels[names.BASE],
            template=parsed.template(key, body, body["spec"]["template"]),
            version=VersionSeen(body["spec"]["replicas"], seen.pods, seen.available, seen.drained),
            confirmed=facts.confirmed("Service", Key(key.namespace, names.lane_service(app, lane))),
            folder=folder_of(body),
        )
    return found
