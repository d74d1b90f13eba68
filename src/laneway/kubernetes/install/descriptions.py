"""What `kubectl explain` says of each field: the models' own words, and sentences where these say nothing.

A field of Istio's or Kubernetes' without words has those of the model that it holds, or its origin.

Must not know how a schema is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from laneway.kubernetes.install.wording import words_of
from laneway.spec.app import App, AppService, AppSpec, Routing, Scale, Workload
from laneway.spec.cohorts import Preview, Sticky
from laneway.spec.failure_codes import FailureCodes
from laneway.spec.lane import (
    Fallback,
    Lane,
    LaneApp,
    LaneHeader,
    LaneSpec,
    Mesh,
    MeshSpec,
    OutboundTrafficPolicy,
)
from laneway.spec.meta import Model
from laneway.spec.metric_source import PrometheusSource, WebSource
from laneway.spec.release import (
    GateResult,
    Judged,
    Member,
    Release,
    ReleaseApp,
    ReleaseSpec,
    ReleaseStatus,
    Request,
)
from laneway.spec.release_policy import (
    Guardrail,
    Judge,
    JudgedMetric,
    Margin,
    Ramp,
    ReleasePolicy,
    Rollback,
    Step,
    StepGate,
    Webhook,
)

SENTENCES: Mapping[type[Model], Mapping[str, str]] = {
    App: {"spec": "What the App says."},
    AppSpec: {
        "workload": "What its pods are made from.",
        "service": "The ports at which the app is called inside the mesh.",
        "routing": "Where the app is reached from outside, and rules for its requests.",
        "scale": "How many pods the app has. Without it, as many as its Deployment says.",
        "release": "How a new revision takes over.",
    },
    Workload: {
        "deployment": "The name of a Deployment in the App's namespace: its pod template is the App's.",
        "template": "The pod template, here. It is kept as it is written.",
    },
    AppService: {"ports": "The ports of the Service, which has the App's name."},
    Routing: {
        "gateways": "Gateways where the app is reached, as in a VirtualService: `name` or `namespace/name`.",
        "hosts": "Public hosts. Several Apps may share one: `order` says whose rules come first.",
        "order": "The place among Apps that share a host, the lowest first; then the older App is first.",
        "http": "Rules for requests, as in a VirtualService but without `route`: the first match decides.",
        "traffic_policy": "How connections are balanced, limited and encrypted, as in a DestinationRule.",
    },
    Scale: {
        "replicas": "A fixed number of pods. Not beside `min` and `max`.",
        "min": "The least pods of all versions together.",
        "max": "The most pods of all versions together.",
        "metrics": "What an autoscaler goes by, as in autoscaling/v2. Needs `max`.",
        "behavior": "How fast an autoscaler goes up and down, as in autoscaling/v2.",
        "surge": "Pods that a release may add for a while, in percent of the app's.",
    },
    ReleasePolicy: {
        "steps": "The weights that the new version goes through. They rise, and the last is 100.",
        "ramp": "In place of steps: a weight that follows what the judge knows of errors.",
        "preview": "By which header testers see the new version before it has any weight.",
        "sticky": "By which cookie a browser stays with one version.",
        "drain": "How the pods of a version that lost its weight go.",
        "rollback": "How an abort moves.",
        "judge": "Who judges the new version while it is released.",
    },
    Step: {
        "weight": "Percent of the requests that reach the new version, two decimals at most: 20, 0.5 or 20%.",
        "hold": "How long the weight is held once every proxy has confirmed it: two minutes where nothing is "
        "written, and not at all at 100.",
        "limit": "The longest that the step may take, its hold included.",
        "gates": "What has to pass after the hold, before the next step.",
    },
    StepGate: {
        "approval": "A person says so: `laneway release approve`.",
        "command": "A program says so, by exit code 0.",
        "webhook": "Somebody else says so.",
        "timeout": "The longest that the command may take.",
        "retries": "How often a command that failed is run again.",
    },
    Webhook: {
        "url": "Where to ask, by POST.",
        "timeout": "The longest to wait for an answer.",
    },
    Ramp: {
        "budget": "Percent of all requests that may fail because of the new version, two decimals at most.",
        "start": "The least weight, with which it begins.",
        "to": "The greatest weight until the judge promotes; then it is 100.",
    },
    Rollback: {
        "overload": "What stable may carry for a while, in percent of its planned load: 100% to 1000%."
    },
    Guardrail: {
        "metric": "What is bounded: the share of requests that failed, or how long they took.",
        "above": "The bound: of errors a share, like 5%; of latency a duration that is counted, like 500ms.",
        "quantile": "Of latency: the percent of requests that have to be within the bound.",
        "minimum": "Requests to wait for before anything is judged.",
        "then": "What becomes of the release when the bound is passed.",
    },
    Margin: {
        "ratio": "Times the old version's share of bad requests, at least 1.",
        "plus": "And so many percent of all requests, two decimals at most.",
    },
    FailureCodes: {
        "http": "Codes (429) and classes of codes (5xx) of HTTP. Without it 5xx.",
        "grpc": "Statuses of gRPC. Without it UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, "
        "UNAVAILABLE and DATA_LOSS.",
    },
    PrometheusSource: {
        "url": "Another Prometheus than the engine's own; on one machine there is no other.",
        "bad": "What went wrong, as counters: never a rate. Part of what `of` counts.",
        "of": "All that could have gone wrong, as counters: never a rate.",
        "gauge": "A value above 0, one for each version.",
    },
    WebSource: {
        "url": "Where to ask, by GET. $revision, $app, $namespace and $host are filled in for each version.",
        "gauge": "Whether it answers with a value; without it, with counts.",
    },
    JudgedMetric: {
        "name": "What the versions are compared by: `errors` are requests that failed, `latency` those that "
        "were slow; any other name is a metric of your own, with one of `prometheus` and `web`.",
        "prometheus": "Queries in PromQL, asked of each version: $revision, $app, $namespace and $host are "
        "filled in.",
        "web": "A URL that is asked of each version, and answers with JSON.",
        "codes": "Of errors: which answers they are. Guardrails keep to 5xx and the server's faults.",
        "falls": "Of a gauge: lower values are the worse ones.",
        "block": "Of a gauge: the time over which it is averaged, at least as long as its values resemble "
        "each other. Three minutes where nothing is written.",
        "tolerate": "What is no reason to go back. Of errors 1.1 times and 0.05 percent, unless something is "
        "written; of latency 1.1 times and 0.1 percent.",
        "refuse": "What has to be excluded to go on. Of errors 1.25 times and 0.25 percent, unless something "
        "is written; of latency 1.25 times and 1 percent. A gauge has ratios alone.",
        "warm_up": "How long after its first request the new version is not compared: of latency a minute.",
    },
    Judge: {
        "false_rollback": "Percent of the releases no worse than tolerated that may be rolled back.",
        "false_promote": "Percent of the releases with a refused metric that may be promoted.",
        "metrics": "What the two versions are compared by; nothing, where none is written.",
        "guardrails": "Absolute limits on what callers meet at the new version.",
    },
    Preview: {"header": "The header's name, in lowercase."},
    Sticky: {"cookie": "The cookie's name.", "ttl": "How long a browser keeps it."},
    Lane: {"spec": "What the Lane says."},
    LaneSpec: {
        "value": "The value of the lane header that selects this lane; without it, the lane's name.",
        "apps": "The Apps that the lane has versions of. All others are shared with everybody.",
        "fallback": "Where a request goes for an App that the lane has no version of.",
        "ttl": "How long the lane lives, from when it was made.",
        "owner": "Whose lane this is, for people.",
    },
    LaneApp: {
        "name": "The App, in the lane's namespace.",
        "image": "The image to run instead of the template's.",
        "env": "Variables to add, or to replace by name.",
        "replicas": "Pods of the lane's version.",
    },
    Fallback: {
        "through": "Other lanes whose version is taken, the first that has one.",
        "otherwise": "What then: the App's own versions (baseline), or an error (refuse).",
    },
    Mesh: {"spec": "What the Mesh says."},
    MeshSpec: {
        "outbound_traffic_policy": "What becomes of calls to hosts that the mesh does not know.",
        "lane": "How requests say which lane they are in.",
    },
    OutboundTrafficPolicy: {"mode": "REGISTRY_ONLY: they are refused. ALLOW_ANY: they are let through."},
    LaneHeader: {"header": "The header's name, in lowercase."},
    Release: {
        "spec": "What is released, and what was asked of it.",
        "status": "The record of what happened.",
    },
    ReleaseSpec: {
        "apps": "The Apps that go together, and where to. The first leads. They do not change.",
        "request": "What a person or CI asks of the release.",
    },
    ReleaseApp: {"name": "The App, in the release's namespace.", "revision": "The hash of the pod template."},
    Request: {
        "verb": "What is asked.",
        "at": "When it was asked.",
        "by": "Who asks.",
        "reason": "Why, for the history.",
    },
    ReleaseStatus: {
        "phase": "Where the release stands.",
        "stable": "The revision that had all requests when the release began.",
        "started_at": "When the release began.",
        "step_started_at": "When the step under way began.",
        "finished_at": "When it was over.",
        "reason": "Why it is in this phase.",
    },
    Member: {
        "stable": "The revision that had all its requests when the release began.",
        "base": "Its pods when the release began.",
    },
    Judged: {
        "at": "When it knew that.",
        "outcome": "Whether it lets the release go on.",
        "words": "Why, in numbers.",
        "excess": "By how much more of the new version's requests may fail, by what is known.",
    },
    GateResult: {"passed": "Whether it passed.", "at": "When it was said."},
}
"""By model and field: where a docstring says nothing of the field, or nothing that stands alone."""


_ORIGINS = {
    "laneway.spec.istio": "As in Istio.",
    "laneway.spec.kubernetes": "As in Kubernetes.",
    "laneway.spec.autoscaling": "As in autoscaling/v2 of Kubernetes.",
}


def description(model: type[Model], field: str) -> str:
    """What is said of a field of a model, by its name in Python."""
    own = SENTENCES.get(model, {}).get(field) or words_of(model).fields.get(field)
    return own or _held(model.model_fields[field].annotation) or _origin(model, field)


def _held(annotation: Any) -> str:
    """The words of the first model in a field's type."""
    if isinstance(annotation, type) and not get_args(annotation):
        return words_of(annotation).whole if issubclass(annotation, Model) else ""
    return next(filter(None, map(_held, get_args(annotation))), "")


def _origin(model: type[Model], field: str) -> str:
    """Where a field comes from that Laneway only passes on."""
    owner = next(each for each in reversed(model.__mro__) if field in getattr(each, "__annotations__", {}))
    return next((said for room, said in _ORIGINS.items() if owner.__module__.startswith(room)), "")
