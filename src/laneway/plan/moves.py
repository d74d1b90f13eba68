"""How one app moves: weights and pods by its course, cut by the gates. Must not know records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from laneway.plan.gates import POD_GATES, WEIGHT_GATES, Gate, Move
from laneway.plan.observed import Weights
from laneway.plan.release import Course
from laneway.plan.result import Finding
from laneway.plan.situation import Situation
from laneway.plan.sizing import size
from laneway.spec.values import FULL


def decide(s: Situation, course: Course, gates: tuple[Gate, ...]) -> tuple[Move, list[Finding]]:
    """What is safe to do now, and a finding for each gate that cut it. gates: those that are in use."""
    weights = _weights(s, course)
    reached = s.candidate if (s.asked_for or s.cohort) and s.seen.written else None
    move, cut = _through(WEIGHT_GATES, gates, s, Move(weights, weights, {}, reached))
    move, kept = _through(POD_GATES, gates, s, replace(move, pods=_pods(s, course, move)))
    return move, cut + kept


def _through(
    these: Iterable[Gate], used: tuple[Gate, ...], s: Situation, move: Move
) -> tuple[Move, list[Finding]]:
    findings = []
    for gate in these:
        if gate in used:
            move, finding = gate(s, move)
            findings += [finding] if finding else []
    return move, findings


def _weights(s: Situation, course: Course) -> Weights:
    """The weights to go to. First of all, what neither stable nor the candidate carries goes to stable."""
    if s.candidate is None or s.seen.written is None:
        return {s.stable: FULL}
    target = course.target
    if any(revision not in {s.stable, s.candidate} for revision in s.written) and not s.aborting:
        target = s.written.get(s.candidate, 0)
    if target is None:
        return dict(s.written)
    weights = {s.candidate: target, s.stable: FULL - target}
    return {revision: weight for revision, weight in weights.items() if weight}


def _pods(s: Situation, course: Course, move: Move) -> dict[str, int]:
    """Pods for the weights now and to come; those of the way back, and of a candidate that is looked at."""
    pods = {
        revision: size(max(move.wanted.get(revision, 0), move.weights.get(revision, 0)), s.base)
        for revision in {**move.wanted, **move.weights}
    }
    for revision, warm in s.warm.items():
        pods[revision] = max(pods.get(revision, 0), warm)
    if s.candidate:
        # Paused: what it has stays, so that somebody can look at why.
        looked_at = s.version(s.candidate).desired if course.target is None else 0
        pods[s.candidate] = max(pods.get(s.candidate, 0), looked_at, _ahead(s, course))
    return pods


def _ahead(s: Situation, course: Course) -> int:
    """Pods of a candidate for the weight to come; while older ones still drain, only those that it has."""
    seen = s.version(s.candidate or "")
    draining = s.pods_beyond({s.stable: size(FULL, s.base), s.candidate or "": seen.desired})
    return min(course.ahead, max(seen.desired, s.surge - draining))
