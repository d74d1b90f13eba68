"""The course of one app's release: its record goes from step to step. Must not know how pods are made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from laneway.plan.guardrails import broken, described
from laneway.plan.judging import compared, is_acceptable, is_worse, recorded
from laneway.plan.observed import AppSeen, CountsId, Evidence, GateId, VersionSeen
from laneway.plan.ramping import described as described_ramp
from laneway.plan.ramping import ramped, stages
from laneway.plan.records import status_of, with_status
from laneway.plan.requests import hear, hurried
from laneway.plan.result import Comparison, Finding, GateRun, Severity
from laneway.plan.sizing import size
from laneway.plan.step_gates import failed, gate_id, next_gate
from laneway.spec.app import App
from laneway.spec.release import Judged, Phase, Release
from laneway.spec.release_policy import Step
from laneway.spec.values import FULL, format_duration, format_percent


@dataclass(frozen=True, slots=True)
class Course:
    """Where an app stands after looking at its release.

    active: the release under way, None at rest; ended: one that ended just now; target: the candidate's
    weight in basis points, None: as it is; ahead: pods that the candidate shall have at least, for the weight
    to come; gate: to be asked now; watch: what requests are to be counted for; comparison: what is to be
    judged; wake: when the clock alone changes this.
    """

    active: Release | None
    ended: Release | None = None
    target: int | None = None
    ahead: int = 0
    gate: GateRun | None = None
    watch: CountsId | None = None
    comparison: Comparison | None = None
    wake: datetime | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def aborting(self) -> bool:
        """Weight goes back to stable."""
        return self.active is not None and status_of(self.active).phase is Phase.ABORTING


@dataclass(frozen=True, slots=True)
class Moment:
    """What a release looks at.

    wanted: the revision of the app's template now; base, surge: pods; follows: how long requests that were
    drawn before the last weight are followed, until the release ends; ramp: the weight that a ramp has come
    to, None before it has begun.
    """

    app: App
    seen: AppSeen
    wanted: str
    stable: str
    base: int
    surge: int
    now: datetime
    evidence: Evidence = Evidence()  # noqa: RUF009 - frozen
    follows: timedelta = timedelta(0)
    ramp: int | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps as they are written now."""
        return stages(self.app.spec.release, self.ramp)

    def says(self, code: str, text: str, severity: Severity = Severity.INFO) -> Finding:
        """A finding about the app."""
        return Finding(code, self.app.key, f"{self.app.metadata.name} {text}", severity)


def advance(m: Moment, release: Release) -> Course:
    """The next moment of a release under way.

    Where the stable label is on the released revision already, only the record of its promotion is missing.
    """
    if release.spec.apps[0].revision == m.stable:
        return Course(None, ended=with_status(release, phase=Phase.PROMOTED, finished_at=m.now))
    release = hear(release, m.steps, m.now)
    if status_of(release).phase is Phase.ABORTING:
        return _aborting(m, release)
    if reason := _reason_to_abort(m, release):
        by = m.wanted if m.wanted not in {release.spec.apps[0].revision, m.stable} else None
        return _aborting(m, _going_back(release, reason, by))
    release = recorded(release, _judged(m, release), m.now)
    if (ramp := m.app.spec.release.ramp) and not hurried(release):
        release = ramped(ramp, release, _judged(m, release))
        m = replace(m, ramp=status_of(release).ramp)
    course = _forward(m, release)
    watch = _watched(course.active) if course.active and m.app.spec.release.judge.guardrails else None
    findings = (
        *course.findings, *_counted(m, course.active), *_weighed(m, course.active),
        *_ramping(m, course.active), *_queued(m, release),
    )  # fmt: skip
    comparison = _compared(m, course.active) if course.active else None
    return replace(course, watch=watch, comparison=comparison, findings=findings)


def _judged(m: Moment, release: Release) -> Judged | None:
    """What the judge knows now: of this pass, else as it was recorded. None where nobody judges."""
    if not m.app.spec.release.judge.metrics:
        return None
    return m.evidence.judged.get(release.key) or status_of(release).judged


def _compared(m: Moment, release: Release) -> Comparison | None:
    return compared(release, m.app, m.steps[status_of(release).step].weight)


def _weighed(m: Moment, release: Release | None) -> Iterable[Finding]:
    """What the judge says, while it has not decided."""
    if release and (judged := _judged(m, release)):
        yield m.says("Judged", f"judge: {judged.words}")


def _ramping(m: Moment, release: Release | None) -> Iterable[Finding]:
    """The weight of a ramp, and why it is no more."""
    ramp = m.app.spec.release.ramp
    if release and ramp and status_of(release).step == 0:
        yield m.says("Ramping", described_ramp(ramp, m.steps[0].weight, _judged(m, release)))


def _counted(m: Moment, release: Release | None) -> Iterable[Finding]:
    """What guardrails see, in numbers."""
    counts = m.evidence.counts.get(_watched(release)) if release else None
    if counts is None:
        return
    for guardrail in m.app.spec.release.judge.guardrails:
        text = f"guardrail, {guardrail.then}: {described(guardrail, counts)}"
        yield m.says("Guarded", text)


def _going_back(release: Release, reason: str, superseded_by: str | None = None) -> Release:
    return with_status(
        release, phase=Phase.ABORTING, reason=reason, superseded_by=superseded_by, held_since=None
    )


def _reason_to_abort(m: Moment, release: Release) -> str | None:
    if m.wanted == m.stable:
        return "the template was put back to stable's"
    if m.wanted != release.spec.apps[0].revision and m.app.spec.release.on_new == "supersede":
        return f"superseded by {m.wanted}"
    return None


def _queued(m: Moment, release: Release) -> Iterable[Finding]:
    if m.wanted != release.spec.apps[0].revision:
        text = f"has revision {m.wanted} in its queue, until release {release.metadata.name} has ended"
        yield m.says("Queued", text)


def _aborting(m: Moment, release: Release) -> Course:
    status, written = status_of(release), m.seen.written
    back = written is None or (dict(written.weights) == {m.stable: FULL} and m.seen.confirmed)
    if not back:
        return Course(with_status(release, held_since=None), target=0)
    since = status.held_since or m.now
    if m.now < (end := since + m.follows):
        return Course(with_status(release, held_since=since), target=0, wake=end)
    phase = Phase.SUPERSEDED if status.superseded_by else Phase.ROLLED_BACK
    return Course(None, ended=with_status(release, phase=phase, finished_at=m.now))


def _watched(release: Release) -> CountsId:
    """What the requests are counted for that guardrails look at."""
    return CountsId(release.key, status_of(release).step_started_at)


def _forward(m: Moment, release: Release) -> Course:
    release = _at_its_step(m, release)
    status = status_of(release)
    guardrails, counts = m.app.spec.release.judge.guardrails, m.evidence.counts.get(_watched(release))
    resting = hurried(release) or status.phase is Phase.PAUSED
    if found := broken(guardrails, counts, resting):
        return _ended_as_said(m, release, *found)
    if not hurried(release) and (judged := _judged(m, release)) and is_worse(judged):
        return _ended_as_said(m, recorded(release, judged, m.now, decided=True), judged.words, "rollback")
    if status.phase is Phase.PAUSED:
        return Course(release, findings=(_paused(m, release),))
    step = m.steps[status.step]
    missing = _missing(m, release, step)
    if missing is not None:
        release = with_status(release, held_since=None) if status.held_since else release
        return _within_limit(m, release, step, missing)
    if status.held_since is None and not m.seen.confirmed:
        return _within_limit(m, release, step)
    return _hold(m, release, step)


def _at_its_step(m: Moment, release: Release) -> Release:
    """The release at a step that there is: hurried at the last one, and not at one that was skipped."""
    status, last = status_of(release), len(m.steps) - 1
    index = last if hurried(release) else min(status.step, last)
    if status.skipped == index and index < last and status.phase is not Phase.PAUSED:
        index += 1
    if index == status.step:
        return release
    return with_status(release, step=index, step_started_at=m.now, held_since=None)


def _missing(m: Moment, release: Release, step: Step) -> tuple[Finding, ...] | None:
    """Why the step is not reached, where that is known here; None where it is reached."""
    weights = m.seen.written.weights if m.seen.written else {}
    revision = release.spec.apps[0].revision
    if weights.get(revision, 0) != step.weight:
        return ()
    needed, seen = ahead(m, release), m.seen.versions.get(revision, VersionSeen())
    if seen.available >= needed:
        return None
    text = f"stays at 0 %: {seen.available} of {needed} pods available for what comes next"
    return (m.says("PodsStarting", text),)


def ahead(m: Moment, release: Release) -> int:
    """Pods of a candidate without weight: those of its next weight, as far as the surge allows."""
    index = status_of(release).step
    if m.steps[index].weight or index + 1 == len(m.steps):
        return 0
    return min(size(m.steps[index + 1].weight, m.base), m.surge)


def _hold(m: Moment, release: Release, step: Step) -> Course:
    """A hold begins when every proxy has confirmed the weight; other changes of rules do not restart it."""
    status = status_of(release)
    since = status.held_since or m.now
    release = with_status(release, held_since=since) if status.held_since is None else release
    waived = hurried(release) or status.skipped == status.step
    until = since if waived else since + step.hold_for
    if status.step == len(m.steps) - 1:
        until = max(until, since + m.follows)
    here = Course(release, target=step.weight, ahead=ahead(m, release))
    if m.now < until:
        weight, length = format_percent(step.weight), format_duration(until - since)
        finding = m.says("Holding", f"holds {weight} % for {length}, until {until:%H:%M:%S} UTC")
        return replace(here, wake=until, findings=(finding,))
    if not m.seen.confirmed:
        return here
    if not waived and 0 < step.weight < FULL:
        release, waits = _evidence(m, release, step)
        if waits:
            return replace(waits, ahead=here.ahead)
    release, gated = (release, None) if waived else _gates(m, release, step)
    if gated:
        return replace(gated, ahead=here.ahead)
    if status.step == len(m.steps) - 1:
        reason = _why_promoted(release)
        return Course(
            None, ended=with_status(release, phase=Phase.PROMOTED, finished_at=m.now, reason=reason)
        )
    return _forward(m, with_status(release, step=status.step + 1, step_started_at=m.now, held_since=None))


def _evidence(m: Moment, release: Release, step: Step) -> tuple[Release, Course | None]:
    """The release with the verdict that lets it go on, and its course where there is none yet."""
    judged = _judged(m, release)
    if not m.app.spec.release.judge.metrics or is_acceptable(judged):
        return recorded(release, judged, m.now, decided=True), None
    deadline = status_of(release).step_started_at + step.limit
    if m.now < deadline:
        weight = format_percent(step.weight)
        finding = m.says("AwaitingVerdict", f"stays at {weight} % until the judge has decided")
        return release, Course(release, target=step.weight, wake=deadline, findings=(finding,))
    release = recorded(release, judged, m.now, decided=True)
    if step.on_unsure == "promote":
        return release, None
    said = judged.words if judged else "nothing was counted"
    reason = f"the judge is not sure after {format_duration(step.limit)}: {said}"
    return release, _ended_as_said(m, release, reason, step.on_unsure)


def _gates(m: Moment, release: Release, step: Step) -> tuple[Release, Course | None]:
    """The release with what its gates have said, and its course where one of them keeps it."""
    while (index := next_gate(step, status_of(release))) is not None:
        gate, known = step.gates[index], gate_id(release, index)
        result = m.evidence.results.get(known)
        if result is None:
            return release, _asks(m, release, step, known)
        release = with_status(release, gates=(*status_of(release).gates, result))
        if not result.passed:
            return release, _ended_as_said(m, release, failed(gate, result), gate.then)
    return release, None


def _asks(m: Moment, release: Release, step: Step, known: GateId) -> Course | None:
    """Waits for a gate's answer, within the step's limit; None where it goes on without."""
    gate, weight = step.gates[known.gate], format_percent(step.weight)
    deadline, name = known.since + step.limit, m.app.metadata.name
    if m.now >= deadline:
        if step.on_unsure == "promote":
            return None
        reason = f"its gate, {gate.described}, did not pass within {format_duration(step.limit)}"
        return _ended_as_said(m, release, reason, step.on_unsure)
    here = Course(release, target=step.weight, wake=deadline)
    if gate.approval:
        text = f"stays at {weight} % until a person approves: laneway release approve {name}"
        return replace(here, findings=(m.says("AwaitingApproval", text),))
    run = GateRun(known, m.app.key, release.spec.apps[0].revision, step.weight, gate)
    finding = m.says("AwaitingGate", f"stays at {weight} % until its gate has passed: {gate.described}")
    return replace(here, gate=run, findings=(finding,))


def _why_promoted(release: Release) -> str:
    request = release.spec.request
    if request and hurried(release):
        return request.described("promoted")
    judged = status_of(release).judged
    return judged.words if judged and is_acceptable(judged) else "every step held"


def _within_limit(m: Moment, release: Release, step: Step, findings: tuple[Finding, ...] = ()) -> Course:
    deadline = status_of(release).step_started_at + step.limit
    there = Course(release, target=step.weight, ahead=ahead(m, release), findings=findings)
    if hurried(release) or m.now < deadline or step.on_unsure == "promote":
        return replace(there, wake=None if hurried(release) or m.now >= deadline else deadline)
    reason = f"{format_percent(step.weight)} % was not reached and held within {format_duration(step.limit)}"
    return _ended_as_said(m, release, reason, step.on_unsure)


def _ended_as_said(m: Moment, release: Release, reason: str, then: str) -> Course:
    if then == "rollback":
        return Course(_going_back(release, reason), target=0)
    paused = with_status(release, phase=Phase.PAUSED, reason=reason)
    return Course(paused, findings=(_paused(m, paused),))


def _paused(m: Moment, release: Release) -> Finding:
    text = f"is paused: {status_of(release).reason}; resume, promote or abort it"
    return m.says("Paused", text, Severity.WARNING)
