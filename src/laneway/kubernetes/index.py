"""What is known of the cluster, by app: which objects belong to it, and which apps a change concerns.

Owns what is looked up while planning, so that an app costs what it has, not what the cluster has. Must not
decide anything, nor ask the cluster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from typing import TypeVar

import msgspec

from laneway.control.changes import DERIVED_KINDS
from laneway.kubernetes import sketches
from laneway.kubernetes.api.seen import Seen
from laneway.kubernetes.content_index import ContentIndex
from laneway.kubernetes.pod_index import PodIndex
from laneway.kubernetes.sketches import AppSketch, LaneSketch
from laneway.manifests import names
from laneway.spec.meta import Key

K = TypeVar("K", bound=Hashable)

TOLD_NOT_ASKED = frozenset({"App", "Deployment", "PodDisruptionBudget"})
"""Kinds whose status tells people something, and decides nothing while no App ends."""

OF_DEPLOYMENTS = "deployment.kubernetes.io/"
"""Annotations by which the controller of Deployments counts."""

WATCHED_WHOLE = ("App", "Lane", "Mesh", "Release", "Deployment", *DERIVED_KINDS)


class Index:
    """For one event loop. An object is newer than another by its resource version, a growing number."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[Key, Seen]] = {kind: {} for kind in WATCHED_WHOLE}
        self.apps: dict[Key, AppSketch] = {}
        self.lanes: dict[str, dict[str, LaneSketch]] = defaultdict(dict)
        self.pods = PodIndex()
        self.contents = ContentIndex()
        self._derived: dict[Key, dict[tuple[str, Key], Seen]] = defaultdict(dict)
        self._rules: dict[Key, frozenset[Key]] = {}
        self._on_host: dict[str, set[Key]] = defaultdict(set)
        self._of_template: dict[Key, set[Key]] = defaultdict(set)
        self._releases: dict[Key, frozenset[Key]] = {}
        self._released: dict[Key, set[Key]] = defaultdict(set)
        self._ended: dict[tuple[str, Key], int] = {}

    # --- what changes

    def take(self, kind: str, key: Key, now: Seen | None) -> frozenset[Key]:
        """An object as it was heard or written, None where it is gone. Returns the apps that it concerns.

        What is older than what is known already is not taken.
        """
        stored = self.objects[kind]
        before = stored.get(key)
        if now is not None and self._is_old(kind, key, before, now):
            return frozenset()
        if now is None:
            self._ended.pop((kind, key), None)
        if before is None and now is None:
            return frozenset()
        if before is not None and now is not None and self._says_the_same(kind, before, now):
            stored[key] = now
            self._remember(kind, now)
            return frozenset()
        concerned = set(self._concerned(kind, before))
        self._forget(kind, before)
        if now is None:
            stored.pop(key, None)
        else:
            stored[key] = now
            self._remember(kind, now)
        concerned.update(self._concerned(kind, now))
        return frozenset(concerned & self.apps.keys())

    def end(self, kind: str, key: Key) -> frozenset[Key]:
        """An object that was deleted: what is heard of it from before that is not taken."""
        before = self.objects[kind].get(key)
        concerned = self.take(kind, key, None)
        if before is not None:
            self._ended[kind, key] = _version(before)
        return concerned

    def heard(self, kind: str, key: Key, now: Seen | None, before: Seen | None) -> frozenset[Key]:
        """What a watch tells. A deletion of an object that was made anew meanwhile is not taken."""
        known = self.objects[kind].get(key)
        if now is None and known is not None and before is not None and known.uid != before.uid:
            return frozenset()
        return self.take(kind, key, now)

    # --- what is looked up

    def component(self, app: Key) -> tuple[Key, ...]:
        """The apps that are planned together with this one: they share hosts of gateways, or a release."""
        found, open_ = {app}, [app]
        while open_:
            for other in self._beside(open_.pop()):
                if other in self.apps and other not in found:
                    found.add(other)
                    open_.append(other)
        return tuple(sorted(found))

    def derived(self, apps: Iterable[Key]) -> dict[str, list[Seen]]:
        """What Laneway has made of these apps and of their lanes, by kind."""
        found: dict[tuple[str, Key], Seen] = {}
        for app in apps:
            found |= self._derived.get(app, {})
            for host in self.apps[app].hosts:
                found |= self._at(host)
        by_kind: dict[str, list[Seen]] = defaultdict(list)
        for (kind, _), seen in found.items():
            by_kind[kind].append(seen)
        return by_kind

    def serves(self, app: Key) -> bool:
        """Whether all pods that its Deployments ask for take requests; True for what is no App."""
        if app not in self.apps:
            return True
        wanted: list[int] = [
            seen.body()["spec"].get("replicas", 1)
            for (kind, _), seen in self._derived.get(app, {}).items()
            if kind == "Deployment" and names.APP in seen.labels
        ]
        return self.pods.ready(app) >= sum(wanted) > 0

    def releases(self, apps: Iterable[Key]) -> list[Seen]:
        """The records of these apps."""
        keys = {release for app in apps for release in self._released.get(app, ())}
        return [self.objects["Release"][key] for key in sorted(keys)]

    def template(self, app: Key) -> Seen | None:
        """The Deployment that holds an app's template."""
        name = self.apps[app].template
        return self.objects["Deployment"].get(Key(app.namespace, name)) if name else None

    def lanes_of(self, namespace: str) -> Iterator[Seen]:
        """The lanes of a namespace."""
        for name in sorted(self.lanes.get(namespace, {})):
            yield self.objects["Lane"][Key(namespace, name)]

    def lanes_with(self, apps: Iterable[Key]) -> list[Key]:
        """The lanes that deploy one of these apps."""
        named: dict[str, set[str]] = defaultdict(set)
        for app in apps:
            named[app.namespace].add(app.name)
        return [
            Key(namespace, lane)
            for namespace, these in named.items()
            for lane, sketch in self.lanes.get(namespace, {}).items()
            if sketch.apps & these
        ]

    # --- inside

    def _says_the_same(self, kind: str, before: Seen, now: Seen) -> bool:
        """Whether nothing is planned otherwise: an echo, or a status that no plan asks for."""
        if before.resource_version == now.resource_version:
            return True
        if kind not in TOLD_NOT_ASKED or (kind == "App" and before.generation != now.generation):
            return False  # an App's status tells its generation
        ends = any(
            self.objects["App"][app].deleting for app in self._concerned(kind, now) if app in self.apps
        )
        return not ends and _without_status(before) == _without_status(now)

    def _is_old(self, kind: str, key: Key, before: Seen | None, now: Seen) -> bool:
        ended = self._ended.get((kind, key))
        known = _version(before) if before else -1
        return _version(now) < known or (ended is not None and _version(now) <= ended)

    def _beside(self, app: Key) -> Iterator[Key]:
        for host in self.apps[app].hosts:
            yield from self._on_host[host]
        for release in self._released.get(app, ()):
            yield from self._releases[release]

    def _at(self, host: str) -> dict[tuple[str, Key], Seen]:
        """The VirtualService of a gateway's host: in the first of its apps' namespaces."""
        name = names.gateway_host_rules(host)
        rules = self.objects["VirtualService"]
        keys = {Key(app.namespace, name) for app in self._on_host[host]}
        return {("VirtualService", key): rules[key] for key in keys if key in rules}

    def _concerned(self, kind: str, seen: Seen | None) -> Iterator[Key]:
        """The apps that are planned otherwise for this object's sake."""
        if seen is None:
            return
        match kind:
            case "App":
                yield seen.key
                for host in self.apps[seen.key].hosts if seen.key in self.apps else ():
                    yield from self._on_host[host]
            case "Lane":
                yield from self._of_lane(seen.key)
            case "Mesh":
                yield from self.apps
            case "Release":
                yield from self._releases.get(seen.key, ())
            case _:
                yield from self._owners(kind, seen)
                if kind == "Deployment":
                    yield from self._of_template.get(seen.key, ())

    def _owners(self, kind: str, seen: Seen) -> Iterator[Key]:
        labels = seen.labels
        if app := labels.get(names.APP) or labels.get(names.LANE_APP):
            yield Key(seen.key.namespace, app)
        elif kind == "VirtualService":
            yield from self._rules.get(seen.key, ())

    def _of_lane(self, lane: Key) -> Iterator[Key]:
        lanes = self.lanes.get(lane.namespace, {})
        known = lanes.get(lane.name)
        wide = known and (known.dense or known.through)
        if wide or any(lane.name in other.through for other in lanes.values()):
            yield from (app for app in self.apps if app.namespace == lane.namespace)
        elif known:
            yield from (Key(lane.namespace, name) for name in known.apps)

    def _remember(self, kind: str, seen: Seen) -> None:
        match kind:
            case "App":
                self._remember_app(seen)
            case "Lane":
                self.lanes[seen.key.namespace][seen.key.name] = sketches.lane(seen.raw)
            case "Release":
                apps = self._releases[seen.key] = sketches.released(seen.key.namespace, seen.raw)
                for app in apps:
                    self._released[app].add(seen.key)
            case _:
                if kind == "VirtualService" and _is_derived(seen) and names.APP not in seen.labels:
                    self._rules[seen.key] = _led_to(seen)
                for app in self._owners(kind, seen) if _is_derived(seen) else ():
                    self._derived[app][kind, seen.key] = seen

    def _remember_app(self, seen: Seen) -> None:
        try:
            sketch = sketches.app(seen.raw)
        except msgspec.ValidationError:
            sketch = AppSketch(None, frozenset())
        self.apps[seen.key] = sketch
        for host in sketch.hosts:
            self._on_host[host].add(seen.key)
        if sketch.template:
            self._of_template[Key(seen.key.namespace, sketch.template)].add(seen.key)

    def _forget(self, kind: str, seen: Seen | None) -> None:
        if seen is None:
            return
        match kind:
            case "App":
                self._forget_app(seen.key)
            case "Lane":
                self.lanes[seen.key.namespace].pop(seen.key.name, None)
            case "Release":
                for app in self._releases.pop(seen.key, ()):
                    _discard(self._released, app, seen.key)
            case _:
                for app in list(self._owners(kind, seen)):
                    of = self._derived.get(app, {})
                    of.pop((kind, seen.key), None)
                    if not of:
                        self._derived.pop(app, None)
                if kind == "VirtualService":
                    self._rules.pop(seen.key, None)

    def _forget_app(self, app: Key) -> None:
        sketch = self.apps.pop(app, None)
        if sketch is None:
            return
        for host in sketch.hosts:
            _discard(self._on_host, host, app)
        if sketch.template:
            _discard(self._of_template, Key(app.namespace, sketch.template), app)


def _discard(index: dict[K, set[Key]], at: K, key: Key) -> None:
    of = index.get(at, set())
    of.discard(key)
    if not of:
        index.pop(at, None)


def _led_to(seen: Seen) -> frozenset[Key]:
    try:
        return sketches.led_to(seen.raw)
    except msgspec.ValidationError:
        return frozenset()


def _is_derived(seen: Seen) -> bool:
    """Not what another controller has made of ours, with our labels."""
    return seen.labels.get(names.MANAGED_BY) == names.LANEWAY and seen.controller is None


def _without_status(seen: Seen) -> dict[str, object]:
    """The generation counts changes of the spec, which is there as well."""
    body = seen.body()
    body.pop("status", None)
    metadata = body["metadata"]
    annotations = (metadata.get("annotations") or {}).items()
    said = {name: value for name, value in annotations if not name.startswith(OF_DEPLOYMENTS)}
    kept = {name: value for name, value in metadata.items() if name not in {"resourceVersion", "generation"}}
    return {**body, "metadata": {**kept, "annotations": said}}


def _version(seen: Seen) -> int:
    return int(seen.resource_version or 0)
