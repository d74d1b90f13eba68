"""The gates: they cut a wanted move to what is safe now, by observation alone.

A proposal goes through them in order: what is wanted (for which pods are made), the weights to write now, the
pods to have now. Each gate returns the proposal, cut or as it was, and a finding where it cut. Each has a
test that fails without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from laneway.plan.observed import Weights
from laneway.plan.result import Finding, Severity
from laneway.plan.situation import Situation
from laneway.plan.sizing import share, size
from laneway.spec.values import FULL, format_percent


@dataclass(frozen=True, slots=True)
class Move:
    """A proposal.

    wanted: weights to prepare pods for; weights: to write now; pods: replicas per revision; reached: the
    candidate where requests may ask for it, else None.
    """

    wanted: Weights
    weights: Weights
    pods: Mapping[str, int]
    reached: str | None = None


Gate = Callable[[Situation, Move], tuple[Move, Finding | None]]


def stays(s: Situation, because: str, code: str, severity: Severity = Severity.INFO) -> Finding:
    """The sentence for an app that does not move."""
    weight = s.written.get(s.candidate or s.stable, 0)
    return Finding(code, s.key, f"{s.key.name} stays at {format_percent(weight)} %: {because}", severity)


def confirmation_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """No forward move before every proxy serves the last one. An abort waits for nobody."""
    if s.aborting or s.seen.confirmed or move.wanted == s.written:
        return move, None
    held = replace(move, wanted=s.written, weights=s.written)
    return held, stays(s, f"not yet confirmed by {_who(s)}", "AwaitingProxies")


def _who(s: Situation) -> str:
    return ", ".join(s.laggards[:3]) or "some proxies"


def surge_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """A forward move asks for no more pods than base + surge, counting every pod that still exists.

    The largest sub-shift that fits is taken instead. Its shares are exact in pods, so that the giver frees
    some: where the receiver gains none by it, the giver's rounded up pod goes first.
    """
    receiver = s.candidate
    if receiver is None or move.wanted.get(receiver, 0) <= s.written.get(receiver, 0):
        return move, None
    planned = {
        revision: max(size(weight, s.base), s.warm.get(revision, 0))
        for revision, weight in s.written.items()
        if revision != receiver
    }
    room = s.base + s.surge - sum(planned.values())
    draining = s.pods_beyond({**planned, receiver: s.version(receiver).desired})
    needed = size(move.wanted[receiver], s.base)
    if needed <= room - draining:
        return move, None
    if draining:
        ready = share(min(needed, s.version(receiver).desired), s.base)
        wanted = {**s.written, receiver: max(ready, s.written.get(receiver, 0))}
        held = replace(move, wanted=wanted, weights=s.written)
        return held, stays(s, f"waits for {draining} pods to drain", "OldPodsDraining")
    cut = {receiver: share(max(0, room), s.base), s.stable: share(s.base - max(0, room), s.base)}
    gains = cut[receiver] > s.written.get(receiver, 0)
    if not gains and size(cut[s.stable], s.base) >= planned.get(s.stable, 0):
        held = replace(move, wanted=s.written, weights=s.written)
        return held, stays(s, "other releases use all of the mesh's surge", "SurgeUsedUp")
    return replace(move, wanted=cut, weights=cut), None


def subset_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """Rules name a subset only when every proxy has confirmed it; what they named already they may name.

    An abort waits for nobody: a proxy takes the rules that it has not confirmed after the subset that they
    name.
    """
    if s.aborting or all(s.is_named(r) or r in s.seen.subsets for r in move.weights):
        return move, None
    return replace(move, weights=s.written), stays(
        s, f"its subset is not yet confirmed by {_who(s)}", "AwaitingSubset"
    )


def weight_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """No weight is raised above what available pods carry; an abort may load stable to `overload`."""
    if s.aborting:
        return _abort_weights(s, move)
    for revision, weight in move.weights.items():
        available, needed = s.version(revision).available, size(weight, s.base)
        if weight > s.written.get(revision, 0) and available < needed:
            finding = stays(s, f"{available} of {needed} pods available", "PodsStarting")
            return replace(move, weights=s.written), finding
    return move, None


def _abort_weights(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    available = s.version(s.stable).available
    weight = max(min(FULL, available * s.overload // s.base), s.written.get(s.stable, 0))
    if weight == FULL:
        return move, None
    weights, rest = {s.stable: weight}, FULL - weight
    for revision, written in s.written.items():
        if revision != s.stable and rest:
            weights[revision] = min(written, rest)
            rest -= weights[revision]
    taken = f"stable takes {format_percent(weight)} % with {available} of {s.base} pods available"
    carried = {revision: share for revision, share in weights.items() if share}
    return replace(move, weights=carried), Finding(
        "GoingBack", s.key, f"{s.key.name} goes back: {taken}", Severity.WARNING
    )


def liveness_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """Weights stay when pods die, but a version without any goes to 0 as soon as another has one."""
    alive = [r for r in move.weights if s.version(r).available]
    dead = [r for r in move.weights if r not in alive]
    if not alive or not dead:
        return move, None
    heir = s.stable if s.stable in alive else alive[0]
    text = f"{s.key.name}: {', '.join(dead)} has no available pod, its weight goes to {heir}"
    return replace(move, weights={heir: FULL}), Finding("VersionDown", s.key, text, Severity.WARNING)


def reach_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """No header or cookie leads to a version that some proxy does not know, or that no pod of can answer."""
    revision = move.reached
    if revision is None:
        return move, None
    known = s.is_named(revision) or revision in s.seen.subsets
    if known and s.version(revision).available:
        return move, None
    if s.cohort and s.is_named(revision):
        # Who was drawn to it at another app stays with it: versions of one release are never mixed.
        return move, None
    lacks = "no pod of it is available" if known else "its subset is not yet confirmed by every proxy"
    finding = stays(s, f"it cannot be asked for yet: {lacks}", "NotReachable")
    return replace(move, reached=None), None if move.wanted.get(revision) else finding


def together_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """The apps of one release draw the same share: what each can carry, once all can be reached.

    What is drawn to stable at one app comes to stable at every other: a way back goes as fast as the slowest.
    A version that has died here keeps no weight for the sake of the others.
    """
    bounds, candidate = s.bounds, s.candidate
    if bounds is None or candidate is None or any(r not in {s.stable, candidate} for r in s.written):
        return move, None
    own, written = move.weights.get(candidate, 0), s.written.get(candidate, 0)
    if bounds.forced is not None:
        weight = bounds.forced
    elif own < written:
        weight = own if not s.version(candidate).available else max(own, min(written, bounds.most))
    else:
        weight = (
            own if written and not s.version(s.stable).available else max(written, min(own, bounds.least))
        )
    if weight == own:
        return move, None
    shares = {candidate: weight, s.stable: FULL - weight}
    weights = s.written if weight == written else {r: share for r, share in shares.items() if share}
    lacks = "waits for the other apps of its release"
    if not bounds.opened:
        lacks = "not every app's new version can be reached by the new cohort yet"
    return replace(move, weights=weights), stays(s, lacks, "AwaitingTogether")


def shrink_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """No version loses pods that a rule which some proxy may still serve, or an open request, could need."""
    kept = dict(move.pods)
    for revision, seen in s.seen.versions.items():
        needed = max(kept.get(revision, 0), size(s.written.get(revision, 0), s.base))
        settled = s.seen.written is not None and s.seen.confirmed and seen.drained
        if revision in s.led_to or revision == move.reached:
            needed = max(needed, 1)
        kept[revision] = needed if settled else max(needed, seen.desired)
    return replace(move, pods=kept), None


WEIGHT_GATES: tuple[Gate, ...] = (
    confirmation_gate,
    surge_gate,
    subset_gate,
    weight_gate,
    liveness_gate,
    together_gate,
    reach_gate,
)
POD_GATES: tuple[Gate, ...] = (shrink_gate,)
