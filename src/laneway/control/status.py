"""The JSON documents of the control API: what `laneway status` and everything that waits reads. Types only.

Weights are percent, as people write them; times are RFC 3339 in UTC.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Json = dict[str, Any]


class Problem(TypedDict):
    """One thing wrong with what was applied. file, line, column: empty and 0 where there is no file.

    field: the path of what is wrong, where only an engine knows it.
    """

    code: str
    severity: Literal["error", "warning"]
    text: str
    remedy: str
    file: str
    line: int
    column: int
    field: NotRequired[str]


class Reference(TypedDict):
    """Names an object. apiVersion: for an engine that has kinds of others too."""

    kind: str
    namespace: str
    name: str
    apiVersion: NotRequired[str]


class Change(Reference):
    """What apply or delete did to one object."""

    operation: Literal["created", "configured", "unchanged", "deleted"]


class Changes(TypedDict):
    """Answer of apply and delete. version: of the store; taken up when `Status.observed` reaches it."""

    version: int
    objects: list[Change]


class Ping(TypedDict):
    """Who answers. version: of laneway; state: path; id: of the state."""

    version: str
    pid: int
    state: str
    id: str
    startedAt: str


class Replicas(TypedDict):
    """Pods of one version. wanted: by the plan; pods: that exist; ready: that take new requests."""

    wanted: int
    pods: int
    ready: int


class Version(TypedDict):
    """One revision of an app. role: a `plan.observed.Role`.

    served: the weight that every proxy serves, None while they may differ.
    """

    revision: str
    role: str
    image: str
    weight: int | float
    served: int | float | None
    replicas: Replicas


class AppStatus(TypedDict):
    """One app. ready: all versions have their wanted pods; confirmed: every proxy serves its newest table."""

    namespace: str
    name: str
    hosts: list[str]
    ready: bool
    confirmed: bool
    stable: str
    versions: list[Version]
    release: str | None


class WorkloadStatus(TypedDict):
    """A Deployment that runs as it is, outside any App."""

    namespace: str
    name: str
    ready: bool
    replicas: Replicas


class LaneApp(TypedDict):
    """A lane's version of an app. base: the revision whose template was patched."""

    name: str
    base: str
    image: str
    replicas: Replicas


class LaneStatus(TypedDict):
    """One lane. header: what a request carries to be in it."""

    namespace: str
    name: str
    header: dict[str, str]
    ready: bool
    confirmed: bool
    expiresAt: str | None
    owner: str | None
    apps: list[LaneApp]


class GateSaid(TypedDict):
    """What a step's gate said. step, gate: indices from 0."""

    step: int
    gate: int
    passed: bool
    at: str
    evidence: str


class ReleaseStatus(TypedDict):
    """One app's part of a release. phase: a `spec.release.Phase`; step: index from 0; weight: of the step.

    together: the other apps that go in the same release.
    """

    namespace: str
    name: str
    app: str
    together: list[str]
    revision: str
    stable: str
    phase: str
    step: int
    steps: int
    weight: int | float
    startedAt: str
    heldSince: str | None
    finishedAt: str | None
    gates: list[GateSaid]
    reason: str
    supersededBy: str | None


class Proxies(TypedDict):
    """The proxies that count. laggards: those that have not confirmed, by name."""

    total: int
    confirmed: int
    laggards: list[str]


class Finding(TypedDict):
    """One line of the planner's Report, or of what the engine met.

    namespace, name: of its subject; empty where it is about everything.
    """

    code: str
    severity: Literal["info", "warning", "error"]
    namespace: str
    name: str
    text: str


class Isolation(TypedDict):
    """Where pods run, and why there."""

    mode: Literal["loopback", "namespaces"]
    why: str


class Status(TypedDict):
    """Everything at one moment.

    version: grows with every change of this document (long poll: `changed(since)`); observed: version of the
    object store that the latest pass has taken up; ingress: URL of the ingress gateway's lowest
    server port; urls: of each of its server ports, this one first; ready, confirmed: of everything;
    releases: oldest first.
    """

    version: int
    observed: int
    ingress: str
    urls: list[str]
    isolation: Isolation
    ready: bool
    confirmed: bool
    apps: list[AppStatus]
    workloads: list[WorkloadStatus]
    lanes: list[LaneStatus]
    releases: list[ReleaseStatus]
    proxies: Proxies
    findings: list[Finding]


class RuleTried(TypedDict):
    """A rule of a hop, in order. why: the condition that decided, in words."""

    name: str
    matched: bool
    why: str


class Target(TypedDict):
    """Where a rule's traffic goes. weight: percent; ready: its ready pods by name."""

    host: str
    subset: str | None
    weight: int | float
    ready: list[str]


class Hop(TypedDict):
    """One proxy's decision. at: the proxy, in words; source: the VirtualService or Service that it read.

    effects: what else happens to the request, in words: faults, cross-origin answers, redirects, copies.
    """

    at: str
    source: str
    rules: list[RuleTried]
    effects: list[str]
    targets: list[Target]


class Explanation(TypedDict):
    """The way of one request. outcome: in a sentence; status: the answer where a proxy gives it by itself."""

    hops: list[Hop]
    outcome: str
    status: int | None


class Event(TypedDict):
    """One line of the history, as `history.events.Event` has it. by: who asked, empty for the controller."""

    id: int
    at: str
    kind: str
    namespace: str
    name: str
    change: str
    reason: str
    message: str
    by: str
    app: str
    lane: str
    revision: str


class PodUsage(TypedDict):
    """What a pod used over a second. app: empty for a Deployment outside any App; cpu: cores; memory: bytes.

    None: not known, as where the pod has no sidecar, or a process of it has just started.
    """

    namespace: str
    name: str
    deployment: str
    app: str
    lane: str
    revision: str
    cpu: float | None
    memory: int | None
    requestsPerSecond: float | None


class LogLine(TypedDict):
    """A line that a replica wrote."""

    pod: str
    line: str
