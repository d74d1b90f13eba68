"""The gates: they cut a wanted move to what is safe now, by observation alone.

A proposal goes through them in order: what is wanted (for which pods are made), the weights to write now, the pods
to have now. Each gate returns the proposal, cut or as it was, and a finding where it cut. Each has a test that
fails without it.
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
    """A proposal. wanted: weights to prepare pods for; weights: to write now; pods: replicas per revision."""

    wanted: Weights
    weights: Weights
    pods: Mapping[str, int]


Gate = Callable[[Situation, Move], tuple[Move, Finding | None]]


def stays(s: Situation, because: str, code: str, severity: Severity = Severity.INFO) -> Finding:
    """The sentence for an app that does not move."""
    weight = s.written.get(s.candidate, 0) if s.candidate else FULL
    return Finding(code, s.key, f"{s.key.name} stays at {format_percent(weight)} %: {because}", severity)


def confirmation_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """No forward move before every proxy serves the last one. An abort waits for nobody."""
    if s.aborting or s.seen.written is None or s.seen.confirmed or move.wanted == s.written:
        return move, None
    who = ", ".join(s.laggards[:3]) or "some proxies"
    held = replace(move, wanted=s.written, weights=s.written)
    return held, stays(s, f"not yet confirmed by {who}", "AwaitingProxies")


def surge_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """A forward move asks for no more pods than base + surge, counting every pod that still exists.

    The largest sub-shift that fits is taken instead; its shares are exact in pods, so that the giver frees some.
    """
    receiver = s.candidate
    if s.aborting or receiver is None or move.wanted.get(receiver, 0) <= s.written.get(receiver, 0):
        return move, None
    planned = sum(size(weight, s.base) for revision, weight in s.written.items() if revision != receiver)
    beside = s.pods_beside(receiver)
    room = s.base + s.surge - max(beside, planned)
    if size(move.wanted[receiver], s.base) <= room:
        return move, None
    held = replace(move, wanted=s.written, weights=s.written)
    if beside > planned:
        return held, stays(s, f"waits for {beside - planned} old pods to drain", "OldPodsDraining")
    if share(room, s.base) <= s.written.get(receiver, 0):
        return held, stays(
            s, f"no room for another pod within {s.base} + {s.surge}", "NoRoom", Severity.WARNING
        )
    cut = {receiver: share(room, s.base), s.stable: share(s.base - room, s.base)}
    return replace(move, wanted=cut, weights=cut), None


def subset_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """Rules name a subset only when every proxy has confirmed it; what they named already they may name."""
    unknown = [r for r in move.weights if r not in s.seen.subsets and r not in _named(s)]
    if not unknown:
        return move, None
    return replace(move, weights=s.written), stays(
        s, "its subset is not yet confirmed by every proxy", "AwaitingSubset"
    )


def weight_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """No weight is raised above what available pods carry; an abort may load stable to `overload`."""
    if s.seen.written is None:
        return move, None
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
    carried = min(FULL, available * s.overload // s.base)
    weight = max(carried, s.written.get(s.stable, 0))
    if weight == FULL or not s.candidate:
        return move, None
    held = {s.stable: weight, s.candidate: FULL - weight}
    weights = {revision: bp for revision, bp in held.items() if bp}
    taken = f"stable takes {format_percent(weight)} % with {available} of {s.base} pods available"
    return replace(move, weights=weights), Finding(
        "GoingBack", s.key, f"{s.key.name} goes back: {taken}", Severity.WARNING
    )


def liveness_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """Weights stay when pods die, but a version without any goes to 0 as soon as another has one."""
    alive = [r for r in move.weights if s.version(r).available]
    dead = [r for r in move.weights if r not in alive]
    if not alive or not dead or s.seen.written is None:
        return move, None
    heir = s.stable if s.stable in alive else alive[0]
    text = f"{s.key.name}: {', '.join(dead)} has no available pod, its weight goes to {heir}"
    return replace(move, weights={heir: FULL}), Finding("VersionDown", s.key, text, Severity.WARNING)


def shrink_gate(s: Situation, move: Move) -> tuple[Move, Finding | None]:
    """No version loses pods that a rule which some proxy may still serve, or an open request, could need."""
    kept = dict(move.pods)
    for revision, seen in s.seen.versions.items():
        needed = max(kept.get(revision, 0), size(s.written.get(revision, 0), s.base))
        settled = s.seen.confirmed and seen.drained
        kept[revision] = needed if settled or needed >= seen.desired else seen.desired
    return replace(move, pods=kept), None


WEIGHT_GATES: tuple[Gate, ...] = (confirmation_gate, surge_gate, subset_gate, weight_gate, liveness_gate)
POD_GATES: tuple[Gate, ...] = (shrink_gate,)


def _named(s: Situation) -> frozenset[str]:
    return frozenset(s.seen.written.weights) if s.seen.written else frozenset()
