"""Rules of Laneway's kinds in CEL: what `spec.rules` and the models say, where one object alone decides it.

A message ends with the code of the problem in `docs/problems.md`. Must not know rules that need a field
which is a number or a text (`admission` has those), nor rules between objects: an engine reports these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from laneway.spec.app import App, AppSpec, Routing, Rule, Scale, Workload
from laneway.spec.autoscaling import (
    REQUESTS_PER_SECOND,
    ExternalMetric,
    MetricSpec,
    ObjectMetric,
    PodsMetric,
    ResourceMetric,
)
from laneway.spec.cohorts import COHORT_HEADER, Preview
from laneway.spec.kubernetes import EnvVar, EnvVarSource
from laneway.spec.lane import Lane, LaneSpec, Mesh
from laneway.spec.meta import DNS_LABEL, Model
from laneway.spec.metric_source import REVISION, PrometheusSource, WebSource
from laneway.spec.problems import Code
from laneway.spec.release import ReleaseSpec
from laneway.spec.release_policy import COUNTED, Guardrail, JudgedMetric, ReleasePolicy, Step, StepGate
from laneway.spec.rules.objects import NAME_LENGTH_MAX
from laneway.spec.values import LATENCY_EDGES_MS, format_duration

MESH_NAME = "default"
"""Of the one Mesh."""


@dataclass(frozen=True, slots=True)
class Validation:
    """A rule. code: of the same problem of files, if there is one; field: below the model, like `.limit`."""

    rule: str
    message: str
    code: Code | None = None
    field: str = ""
    forbidden: bool = False

    def written(self) -> dict[str, Any]:
        """As `x-kubernetes-validations` has it."""
        said: dict[str, Any] = {
            "rule": self.rule,
            "message": f"{self.message} ({self.code.id})" if self.code else self.message,
            "reason": "FieldValueForbidden" if self.forbidden else "FieldValueInvalid",
        }
        return said | ({"fieldPath": self.field} if self.field else {})


def exactly_one(*fields: str) -> str:
    """Exactly one of the fields is there."""
    return " + ".join(f"(has(self.{field}) ? 1 : 0)" for field in fields) + " == 1"


def seconds(text: str) -> str:
    """The seconds of a duration as people write it, with days: CEL's own have none."""
    days = f"({text}.contains('d') ? int({text}.split('d')[0]) * 86400 : 0)"
    rest = (
        f"({text}.endsWith('d') ? 0 : duration({text}.split('d')[{text}.contains('d') ? 1 : 0]).getSeconds())"
    )
    return f"{days} + {rest}"


PLAIN_DURATION = r"^([0-9]{1,5}d)?([0-9]{1,7}h)?([0-9]{1,9}m)?([0-9]{1,11}s)?$"
"""Durations that `seconds` can read: units from days to seconds, each once, in their order."""
_LIMIT: timedelta = Step.model_fields["limit"].default
_LIMIT_SECONDS = int(_LIMIT.total_seconds())
_HEADERS_TAKEN = f"['{COHORT_HEADER}', 'cookie']"
_AT_A_GATEWAY = "(has({0}.gateways) && {0}.gateways.exists(g, g != 'mesh'))"
_COUNTED = ", ".join(f"duration('{edge}ms')" for edge in LATENCY_EDGES_MS)
_NAME = f"self.metadata.name.size() <= {NAME_LENGTH_MAX} && self.metadata.name.matches('{DNS_LABEL}')"

_LISTED = list(COUNTED)
_IS_GAUGE = (
    "((has(self.prometheus) && has(self.prometheus.gauge)) || "
    "(has(self.web) && has(self.web.gauge) && self.web.gauge))"
)


def _named_as_its_type(*names: str) -> str:
    return " && ".join(f"(self.type == '{name}') == has(self.{name.lower()})" for name in names)


def _of_types(*types: str) -> Validation:
    return Validation(
        f"self.target.type in {list(types)}",
        f"write type {' or '.join(types)}",
        Code.BAD_VALUE,
        ".target.type",
    )


def _of_a_version(field: str) -> Validation:
    return Validation(
        f"!has(self.{field}) || self.{field}.contains('{REVISION}')",
        f"write {REVISION} where the question names the version",
        Code.METRIC_QUESTION,
        f".{field}",
    )


VALIDATIONS: Mapping[type[Model], tuple[Validation, ...]] = {
    App: (
        Validation(
            _NAME, "the name of an App is lowercase letters, digits and dashes, 63 at most", Code.BAD_NAME
        ),
    ),
    AppSpec: (
        Validation(
            "!has(self.release) || !has(self.release.sticky) || "
            "(has(self.routing) && has(self.routing.gateways) && self.routing.gateways.size() > 0)",
            "a cookie is set at gateways: write `routing.gateways` and `routing.hosts`, or remove `sticky`",
            Code.NO_BROWSER,
            ".release.sticky",
        ),
    ),
    Workload: (
        Validation(
            exactly_one("deployment", "template"), "write either `deployment` or `template`", Code.WORKLOAD
        ),
    ),
    Routing: (
        Validation(
            f"(has(self.hosts) && self.hosts.size() > 0) == {_AT_A_GATEWAY.format('self')}",
            "write both `hosts` and `gateways`, or neither",
            Code.HALF_PUBLIC,
        ),
    ),
    Rule: (
        Validation(
            "!has(self.redirect) || !has(self.directResponse)",
            "write one of `redirect` and `directResponse`",
            Code.RULE_ACTION,
        ),
    ),
    Scale: (
        Validation(
            "!has(self.replicas) || !(has(self.min) || has(self.max))",
            "write either `replicas`, or `min` and `max`",
            Code.SCALE_TWICE,
        ),
        Validation(
            "!has(self.max) || has(self.min) || has(self.replicas)",
            "`max` needs a `min`",
            Code.SCALE_BOUNDS,
        ),
        Validation(
            "!has(self.min) || !has(self.max) || self.min <= self.max",
            "write a `min` that is at most `max`",
            Code.SCALE_BOUNDS,
        ),
        Validation(
            "!has(self.metrics) || self.metrics.size() == 0 || has(self.max)",
            "`metrics` need a `max`",
            Code.SCALE_METRICS,
        ),
    ),
    MetricSpec: (
        Validation(
            _named_as_its_type("Resource", "Pods", "Object", "External"),
            "write the field that `type` names, and no other",
            Code.BAD_VALUE,
        ),
    ),
    ResourceMetric: (_of_types("Utilization", "AverageValue"),),
    PodsMetric: (
        _of_types("AverageValue"),
        Validation(
            f"self.metric.name == '{REQUESTS_PER_SECOND}'",
            f"pods have the metric {REQUESTS_PER_SECOND} alone",
            Code.BAD_VALUE,
            ".metric.name",
        ),
    ),
    ObjectMetric: (_of_types("Value", "AverageValue"),),
    ExternalMetric: (_of_types("Value", "AverageValue"),),
    Step: (
        Validation(
            f"!has(self.hold) || !self.hold.matches('{PLAIN_DURATION}') || "
            f"(has(self.limit) && !self.limit.matches('{PLAIN_DURATION}')) || "
            f"{seconds('self.hold')} <= (has(self.limit) ? {seconds('self.limit')} : {_LIMIT_SECONDS})",
            f"write a `limit` of at least `hold`; without one it is {format_duration(_LIMIT)}",
            Code.STEP_LIMIT,
            ".hold",
        ),
    ),
    ReleasePolicy: (
        Validation(
            "!has(self.ramp) || (has(self.judge) && has(self.judge.metrics) && "
            "self.judge.metrics.exists(m, m.name == 'errors'))",
            "a ramp follows what is known of errors: add {name: errors} to `judge.metrics`",
            Code.RAMP,
            ".ramp",
        ),
    ),
    StepGate: (
        Validation(
            exactly_one("approval", "command", "webhook"),
            "write one of `approval`, `command` and `webhook`",
            Code.STEP_GATE,
        ),
        Validation(
            "has(self.command) || !(has(self.timeout) || has(self.retries))",
            "`timeout` and `retries` are those of a command; a webhook has a `timeout` of its own",
            Code.STEP_GATE,
        ),
    ),
    Guardrail: (
        Validation(
            "(self.metric == 'errors') == self.above.endsWith('%')",
            "write a share for errors, a duration for latency",
            Code.GUARDRAIL,
            ".above",
        ),
        Validation(
            "self.metric != 'latency' || self.above.endsWith('%') || "
            f"(!self.above.contains('d') && duration(self.above) in [{_COUNTED}])",
            f"write a latency that is counted, in ms one of {', '.join(map(str, LATENCY_EDGES_MS))}",
            Code.GUARDRAIL,
            ".above",
        ),
    ),
    JudgedMetric: (
        Validation(
            f"(self.name in {_LISTED} ? 0 : 1) == (has(self.prometheus) ? 1 : 0) + (has(self.web) ? 1 : 0)",
            "write one of `prometheus` and `web` for a metric of your own, and none for errors and latency",
            Code.METRIC_SOURCE,
        ),
        Validation(
            "!has(self.codes) || self.name == 'errors'",
            "`codes` say which answers are errors: remove them",
            Code.METRIC_FIELD,
            ".codes",
        ),
        Validation(
            f"!(has(self.block) || (has(self.falls) && self.falls)) || {_IS_GAUGE}",
            "`block` and `falls` are those of a gauge: remove them",
            Code.METRIC_FIELD,
        ),
    ),
    PrometheusSource: (
        Validation(
            "has(self.gauge) ? !has(self.bad) && !has(self.of) : has(self.bad) && has(self.of)",
            "write `bad` and `of`, or `gauge`",
            Code.METRIC_SOURCE,
        ),
        *(_of_a_version(field) for field in ("bad", "of", "gauge")),
    ),
    WebSource: (_of_a_version("url"),),
    Preview: (
        Validation(
            f"!(self.header in {_HEADERS_TAKEN})",
            f"choose another header than {COHORT_HEADER} and cookie",
            Code.MARK_TAKEN,
            ".header",
        ),
    ),
    EnvVar: (
        Validation(
            "!has(self.valueFrom) || !has(self.value) || self.value == ''",
            "write either `value` or `valueFrom`",
            Code.BAD_VALUE,
        ),
    ),
    EnvVarSource: (
        Validation(
            exactly_one("configMapKeyRef", "secretKeyRef", "fieldRef"),
            "write one of `configMapKeyRef`, `secretKeyRef` and `fieldRef`",
            Code.BAD_VALUE,
        ),
    ),
    Lane: (
        Validation(
            _NAME, "the name of a Lane is lowercase letters, digits and dashes, 63 at most", Code.BAD_NAME
        ),
        Validation(
            "!has(self.spec.apps) || "
            f"self.spec.apps.all(a, a.name.size() + 1 + self.metadata.name.size() <= {NAME_LENGTH_MAX})",
            f"an App's name, a dash and the lane's name have {NAME_LENGTH_MAX} characters at most",
            Code.BAD_NAME,
            ".spec.apps",
        ),
        Validation(
            "!has(self.spec.fallback) || !has(self.spec.fallback.through) || "
            "!(self.metadata.name in self.spec.fallback.through)",
            "a lane does not fall back to itself",
            Code.FALLBACK_CYCLE,
            ".spec.fallback.through",
        ),
    ),
    LaneSpec: (
        Validation(
            "has(self.value) == has(oldSelf.value) && (!has(self.value) || self.value == oldSelf.value)",
            "the value of a lane does not change: make another lane",
            field=".value",
            forbidden=True,
        ),
    ),
    Mesh: (
        Validation(
            f"self.metadata.name == '{MESH_NAME}'",
            f"there is one Mesh, and its name is {MESH_NAME}",
            Code.SECOND_MESH,
        ),
    ),
    ReleaseSpec: (
        Validation(
            "self.apps == oldSelf.apps && self.apps[0].name == oldSelf.apps[0].name",
            "what a release is of does not change: apply another template",
            field=".apps",
            forbidden=True,
        ),
    ),
}
"""By model."""


def validations(model: type[Model]) -> list[dict[str, Any]]:
    """The rules of a model, as a schema has them."""
    return [each.written() for each in VALIDATIONS.get(model, ())]
