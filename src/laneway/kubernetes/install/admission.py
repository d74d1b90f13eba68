"""ValidatingAdmissionPolicies: what the API server refuses, or warns of, beyond what a schema can say.

Refused is only what is certainly wrong. Who changes by hand what Laneway derives is warned, and may: it is
written again anyway. Must not know who grants what (`rights`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from laneway.kubernetes.install.crds import GROUP, VERSION
from laneway.kubernetes.install.validations import PLAIN_DURATION, seconds
from laneway.manifests.names import APP, LANEWAY, MANAGED_BY
from laneway.plan.revision import DIGITS
from laneway.spec.problems import Code

Manifest = dict[str, Any]

MAY_BE_DELETED = "laneway.dev/may-be-deleted"
"""Annotation of a CustomResourceDefinition whose objects somebody means to delete, all of them."""

DERIVED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "v1"): ("services", "configmaps", "secrets"),
    ("apps", "v1"): ("deployments", "controllerrevisions"),
    ("autoscaling", "v2"): ("horizontalpodautoscalers",),
    ("policy", "v1"): ("poddisruptionbudgets",),
    ("keda.sh", "v1alpha1"): ("scaledobjects",),
    ("networking.istio.io", "v1"): ("virtualservices", "destinationrules", "gateways"),
}
"""What Laneway derives from Apps and Lanes, by API group and version."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that holds in the whole cluster. Expressions are CEL, by name.

    only: when it is asked at all; labels: of the objects that it is for; actions: of its binding.
    """

    name: str
    rules: tuple[Manifest, ...]
    validations: tuple[Manifest, ...]
    actions: tuple[str, ...]
    only: Mapping[str, str]
    variables: Mapping[str, str]
    on_failure: str = "Fail"
    labels: Mapping[str, str] | None = None

    def written(self) -> list[Manifest]:
        """The policy, and the binding that puts it in force."""
        matched: Manifest = {"resourceRules": list(self.rules)}
        if self.labels:
            matched["objectSelector"] = {"matchLabels": dict(self.labels)}
        spec = {
            "failurePolicy": self.on_failure,
            "matchConstraints": matched,
            "matchConditions": _named(self.only),
            "variables": _named(self.variables),
            "validations": list(self.validations),
        }
        binding = {"policyName": self.name, "validationActions": list(self.actions)}
        return [
            self._object("ValidatingAdmissionPolicy", {name: part for name, part in spec.items() if part}),
            self._object("ValidatingAdmissionPolicyBinding", binding),
        ]

    def _object(self, kind: str, spec: Manifest) -> Manifest:
        metadata = {"name": self.name, "labels": {"app.kubernetes.io/name": LANEWAY}}
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": metadata,
            "spec": spec,
        }


def _named(expressions: Mapping[str, str]) -> list[Manifest]:
    return [{"name": name, "expression": expression} for name, expression in expressions.items()]


def _rule(group: str, version: str, resources: Iterable[str], operations: Iterable[str]) -> Manifest:
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": list(operations),
        "resources": list(resources),
    }


def _check(expression: str, message: str, code: Code) -> Manifest:
    return {"expression": expression, "message": f"{message} ({code.id})", "reason": "Invalid"}


def _target_has(kind: str, field: str) -> str:
    return f"(t.type == '{kind}') == has(t.{field})"


_APPS = Policy(
    name="laneway-apps",
    rules=(_rule(GROUP, VERSION, ("apps",), ("CREATE", "UPDATE")),),
    only={},
    variables={
        "spec": "dyn(object).spec",  # dyn: what is a number or a text has no type to be checked against
        "steps": "has(variables.spec.release) && has(variables.spec.release.steps) ? "
        "variables.spec.release.steps : []",
        "weights": "variables.steps.map(s, double(string(s.weight).replace('%', '').trim()))",
        "metrics": "has(variables.spec.scale) && has(variables.spec.scale.metrics) ? "
        "variables.spec.scale.metrics : []",
        "targets": "variables.metrics.map(m, has(m.resource) ? m.resource.target : "
        "has(m.pods) ? m.pods.target : has(m.object) ? m.object.target : m.external.target)",
    },
    validations=(
        _check(
            "variables.weights.isSorted() && "
            "variables.weights.all(w, variables.weights.exists_one(v, v == w))",
            "the weights of spec.release.steps rise from step to step",
            Code.STEPS,
        ),
        _check(
            "variables.weights.size() == 0 || variables.weights[variables.weights.size() - 1] == 100.0",
            "the last weight of spec.release.steps is 100",
            Code.STEPS,
        ),
        _check(
            "variables.steps.all(s, has(s.hold) || !has(s.limit) || "
            "string(s.weight).matches('^ *0*100([.]0*)? *%?$') || "
            f"!s.limit.matches('{PLAIN_DURATION}') || {seconds('s.limit')} >= 120)",
            "a step without `hold` holds two minutes, so its `limit` is at least 2m",
            Code.STEP_LIMIT,
        ),
        _check(
            "variables.targets.all(t, "
            f"{_target_has('Utilization', 'averageUtilization')} && {_target_has('Value', 'value')} && "
            f"{_target_has('AverageValue', 'averageValue')})",
            "write in each target of spec.scale.metrics the field that its `type` names, and no other",
            Code.BAD_VALUE,
        ),
        _check(
            "!has(variables.spec.workload.deployment) || !variables.spec.workload.deployment.matches("
            f"'^' + object.metadata.name + '-[0-9a-f]{{{DIGITS}}}$')",
            "spec.workload.deployment names a Deployment that Laneway derives from this App: name your own",
            Code.NAME_TAKEN,
        ),
    ),
    actions=("Deny",),
)

_DELETED = (
    f"has(oldObject.metadata.annotations) && '{MAY_BE_DELETED}' in oldObject.metadata.annotations && "
    f"oldObject.metadata.annotations['{MAY_BE_DELETED}'] == 'true'"
)

_KINDS = Policy(
    name="laneway-kinds",
    rules=(_rule("apiextensions.k8s.io", "*", ("customresourcedefinitions",), ("DELETE",)),),
    only={"is-of-laneway": f"request.name.endsWith('.{GROUP}')"},
    variables={},
    validations=(
        {
            "expression": _DELETED,
            "message": "every object of this kind would be deleted with it, in all namespaces",
            "messageExpression": "'every object of this kind would be deleted with it, in all namespaces; "
            f"if that is meant: kubectl annotate crd ' + request.name + ' {MAY_BE_DELETED}=true'",
            "reason": "Forbidden",
        },
    ),
    actions=("Deny",),
)

_IS_A_PERSON = (
    "!request.userInfo.username.startsWith('system:kube-') && "
    "request.userInfo.username != 'system:apiserver' && "
    "!('system:serviceaccounts:kube-system' in request.userInfo.groups)"
)
_SOURCE = (
    f"has(variables.derived.metadata.labels) && '{APP}' in variables.derived.metadata.labels ? "
    f"'App ' + variables.derived.metadata.labels['{APP}'] : 'an App or a Lane'"
)


def _derived(namespace: str, account: str) -> Policy:
    return Policy(
        name="laneway-derived",
        rules=tuple(
            _rule(group, version, resources, ("CREATE", "UPDATE", "DELETE"))
            for (group, version), resources in DERIVED.items()
        ),
        only={
            "is-not-laneway": f"request.userInfo.username != 'system:serviceaccount:{namespace}:{account}'",
            "is-not-kubernetes": _IS_A_PERSON,
        },
        variables={"derived": "object == null ? oldObject : object", "source": _SOURCE},
        validations=(
            {
                "expression": "false",
                "message": "Laneway derives this object, and writes it again",
                "messageExpression": "'Laneway derives ' + request.kind.kind + ' ' + "
                "variables.derived.metadata.name + ' from ' + variables.source + "
                "' and writes it again: change that instead'",
            },
        ),
        actions=("Warn", "Audit"),
        on_failure="Ignore",
        labels={MANAGED_BY: LANEWAY},
    )


def policies(namespace: str, account: str = LANEWAY) -> list[Manifest]:
    """The policies with their bindings. namespace, account: of the ServiceAccount that Laneway is."""
    return [part for policy in (_APPS, _KINDS, _derived(namespace, account)) for part in policy.written()]
