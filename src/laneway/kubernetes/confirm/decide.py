"""Whether every proxy has what is wanted, from what each istiod serves and knows of its proxies. Pure.

A proxy has something once it has acknowledged the push since which its istiod serves it, or a later one. A
push that does not concern a proxy moves none of its counters; then the push's age decides, as istiod works
its queue off in seconds. Must not know how anything here was found out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property

from laneway.kubernetes.confirm.syncz import NEVER, Kind, Proxy, Snapshot, What
from laneway.kubernetes.confirm.wanted import Pod, Rules, Selector, host_of
from laneway.kubernetes.confirm.witness import Moment, Served
from laneway.spec.meta import Key

Sees = Callable[[str, str], bool]
"""Whether the proxies of a namespace are told of a host."""

QUEUE_SECONDS = 5.0
QUEUE_SECONDS_PER_PROXY = 0.002
"""After this long a push has left istiod's queue, where a proxy's push takes it milliseconds."""
DEBOUNCE_SECONDS = 10.0
"""After this long istiod pushes what was written, whatever else is written (PILOT_DEBOUNCE_MAX)."""

NOBODY = "no istiod"
CUT_OFF = "no istiod knows it"
NOTHING_YET = "has acknowledged nothing yet"
BEHIND = "has not acknowledged it yet"


@dataclass(frozen=True, slots=True)
class View:
    """One istiod that can be asked.

    gateways: what proxies with such labels are served. endpoints: of a cluster, None where they are not
    known. hidden: markers that it serves others than us. mute: it tells nothing of its proxies.
    """

    address: str
    mesh: Served
    gateways: Mapping[Selector, Served]
    clusters: Mapping[str, Moment]
    endpoints: Callable[[str], int | None]
    snapshot: Snapshot | None = None
    hidden: Mapping[str, Moment] = field(default_factory=dict)
    mute: bool = False


@dataclass(frozen=True)
class World:
    """Everything that an answer is made of.

    views: the istiods that can be asked. connecting: those that soon can, or soon cannot. unreachable: those
    that cannot; a proxy of theirs shows as a pod that no other istiod knows. pods: the ready ones with a
    proxy, None if nobody knows. assume_after: seconds after which proxies that cannot be asked about are
    taken to have what is served.
    """

    views: tuple[View, ...]
    pods: Collection[Pod] | None
    now: float
    connecting: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()
    assume_after: float | None = None

    @cached_property
    def ready(self) -> frozenset[Key] | None:
        """The pods that get requests; None if nobody knows."""
        return None if self.pods is None else frozenset(Key(pod.namespace, pod.name) for pod in self.pods)

    @cached_property
    def cut_off(self) -> tuple[Pod, ...]:
        """Pods that no istiod knows."""
        known = frozenset().union(*(view.snapshot.keys for view in self.views if view.snapshot))
        return tuple(pod for pod in self.pods or () if Key(pod.namespace, pod.name) not in known)


@dataclass(frozen=True, slots=True)
class Verdict:
    """unserved: istiods that do not serve it yet, or of whose proxies nothing is known.

    laggards: why, by pod. proven: the proxies that are known to have it. assumed: some time passed, and
    nothing more is known.
    """

    unserved: tuple[str, ...] = ()
    laggards: Mapping[Key, str] = field(default_factory=dict)
    proven: Set[Key] = frozenset()
    assumed: bool = False

    @property
    def confirmed(self) -> bool:
        """Every proxy has it."""
        return not self.unserved and not self.laggards


@dataclass(frozen=True, slots=True)
class Want:
    """Something to be confirmed: what it is of, since when an istiod serves it, whom it concerns.

    kinds: the proxies that it may concern; concerns: the sidecars of a namespace among them.
    """

    what: What
    kinds: tuple[Kind, ...]
    since: Callable[[View, float], Moment | None]
    concerns: Callable[[str], bool]

    def concern(self, namespace: str, kind: Kind) -> bool:
        """Whether it concerns a proxy."""
        return kind in self.kinds and (kind is Kind.GATEWAY or self.concerns(namespace))


def rules_want(rules: Rules, sees: Sees, returned: float | None = None) -> Want:
    """That every proxy which the rules concern serves them as they were written last.

    returned: when they were written as they had been before, and were still served so. Then it does not show
    whether what was written in between is still to come.
    """
    kinds = (Kind.SIDECAR,) * rules.mesh + (Kind.GATEWAY,) * bool(rules.gateways)
    return Want(
        What.ROUTES,
        kinds,
        since=lambda view, now: _rules_since(rules, view, now, returned),
        concerns=lambda namespace: not rules.hosts or any(sees(namespace, host) for host in rules.hosts),
    )


def cluster_want(name: str, sees: Sees) -> Want:
    """That every proxy which may be told of the cluster knows it, with its endpoints."""
    host = host_of(name)
    return Want(
        What.CLUSTERS,
        tuple(Kind),
        since=lambda view, now: view.clusters.get(name),
        concerns=lambda namespace: sees(namespace, host),
    )


def served(want: Want, world: World) -> bool:
    """Whether every istiod that can be asked serves it: then it is time to ask about the proxies."""
    return bool(world.views) and all(want.since(view, world.now) for view in world.views)


def verdict(want: Want, world: World, since: float, proven: Set[Key] = frozenset()) -> Verdict:
    """Whether every proxy has it. since: when it began to be wanted; proven: who is known to have it."""
    if not world.views and not world.connecting:
        assumed = _long_enough(since, world)
        return Verdict(() if assumed else (world.unreachable or (NOBODY,)), assumed=assumed)
    showing = [(view, moment) for view in world.views if (moment := want.since(view, world.now))]
    silent = any(view.mute for view, _ in showing)
    unserved = (*_blockers(world, since), *_unserved(showing, world))
    if unserved:
        return Verdict(unserved, proven=proven)
    laggards, proven = _laggards(want, showing, world, proven, cut_off=not silent)
    return Verdict((), laggards, proven, assumed=silent)


def endpoint_count(name: str, views: Iterable[View]) -> int | None:
    """The endpoints of the cluster that every istiod knows; None where one does not know the cluster."""
    counts = [view.endpoints(name) for view in views]
    known = [count for count in counts if count is not None]
    return min(known) if known and len(known) == len(counts) else None


def _rules_since(rules: Rules, view: View, now: float, returned: float | None) -> Moment | None:
    places = [view.mesh] if rules.mesh else []
    places += [view.gateways.get(one, Served()) for one in rules.gateways]
    hidden = view.hidden.get(rules.marker)
    moments = [place.markers.get(rules.marker, hidden) for place in places]
    if returned is not None:
        moments = [
            _after(moment, place.latest, returned, now) for moment, place in zip(moments, places, strict=True)
        ]
    there = [moment for moment in moments if moment]
    if not there or len(there) < len(moments):
        return None
    return max(there, key=lambda moment: moment.counter)


def _after(moment: Moment | None, latest: Moment, returned: float, now: float) -> Moment | None:
    """Since when rules are surely those written then: served anew, or istiod has had time to push others."""
    if moment is None or moment.at >= returned:
        return moment
    return latest if now - returned >= DEBOUNCE_SECONDS + QUEUE_SECONDS else None


def _blockers(world: World, since: float) -> tuple[str, ...]:
    """Istiods that show nothing, and whose proxies would show nowhere else."""
    unknown = world.unreachable if world.pods is None and not _long_enough(since, world) else ()
    return (*world.connecting, *unknown)


def _unserved(showing: list[tuple[View, Moment]], world: World) -> Iterator[str]:
    """Istiods that do not serve it, or of whose proxies nothing is known since they do."""
    since = {view.address: moment for view, moment in showing}
    for view in world.views:
        moment = since.get(view.address)
        if moment is None:
            yield view.address
        elif view.mute:
            if not _long_enough(moment.at, world):
                yield view.address
        elif view.snapshot is None or view.snapshot.at < moment.at:
            yield view.address


def _long_enough(since: float, world: World) -> bool:
    return world.assume_after is not None and world.now - since >= world.assume_after


def _laggards(
    want: Want, showing: list[tuple[View, Moment]], world: World, proven: Set[Key], cut_off: bool
) -> tuple[Mapping[Key, str], Set[Key]]:
    """Who does not have it, and who does. What was acknowledged once stays true, on whatever connection."""
    lost = dict.fromkeys(_cut_off(want, world.cut_off), CUT_OFF) if cut_off else {}
    if not lost and all(_all_have(want, view.snapshot, moment) for view, moment in showing):
        return {}, proven
    has, behind = set(proven), lost
    for view, moment in showing:
        for proxy in view.snapshot.proxies if view.snapshot else ():
            if proxy.key in has or _starting(proxy, world.ready):
                continue
            if not want.concern(proxy.key.namespace, proxy.kind):
                continue
            if _has(want, proxy, view.snapshot, moment):
                has.add(proxy.key)
            else:
                behind[proxy.key] = _why(want.what, proxy)
    return {key: why for key, why in behind.items() if key not in has}, has


def _all_have(want: Want, snapshot: Snapshot | None, moment: Moment) -> bool:
    if snapshot is None:
        return True
    old = _old(snapshot, moment)
    return all(snapshot.all_up_to(want.what, kind, old) >= moment.counter for kind in want.kinds)


def _has(want: Want, proxy: Proxy, snapshot: Snapshot | None, moment: Moment) -> bool:
    return snapshot is not None and proxy.up_to(want.what, _old(snapshot, moment)) >= moment.counter


def _cut_off(want: Want, pods: Iterable[Pod]) -> Iterator[Key]:
    for pod in pods:
        if want.concern(pod.namespace, Kind.GATEWAY if pod.gateway else Kind.SIDECAR):
            yield Key(pod.namespace, pod.name)


def _starting(proxy: Proxy, ready: Set[Key] | None) -> bool:
    """It has nothing old to serve by: it never had anything, and is not among the pods that get requests."""
    return ready is not None and proxy.reach == NEVER and proxy.key not in ready


def _old(snapshot: Snapshot, moment: Moment) -> bool:
    return snapshot.at - moment.at >= QUEUE_SECONDS + QUEUE_SECONDS_PER_PROXY * len(snapshot.proxies)


def _why(what: What, proxy: Proxy) -> str:
    told = (proxy.routes,) if what is What.ROUTES else (proxy.clusters, proxy.endpoints)
    refused = next((one.error for one in told if one and one.error), "")
    if refused:
        return f"refuses what it is sent: {refused}"
    return NOTHING_YET if proxy.reach == NEVER else BEHIND
