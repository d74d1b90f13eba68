"""Rules of autoscalers: those of Deployments, and `scale` of Apps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from laneway.spec.app import App
from laneway.spec.autoscaling import ExternalMetric, HorizontalPodAutoscaler, MetricSpec, ObjectMetric
from laneway.spec.kubernetes import PodTemplate
from laneway.spec.meta import Key
from laneway.spec.problems import Code
from laneway.spec.rules.scope import Fault, Scope, listed, names_of
from laneway.spec.yaml import Path

TARGET: Path = ("spec", "scaleTargetRef")


class _Written(NamedTuple):
    """One metric that somebody wrote, and the pods it is for; None where these are missing."""

    obj: App | HorizontalPodAutoscaler
    path: Path
    metric: MetricSpec
    template: PodTemplate | None


def _target(scaler: HorizontalPodAutoscaler) -> Key:
    return Key(scaler.metadata.namespace, scaler.spec.scale_target_ref.name)


def _metrics(scope: Scope) -> Iterator[_Written]:
    for app in scope.spec.apps.values():
        for index, metric in enumerate(app.spec.scale.metrics if app.spec.scale else ()):
            yield _Written(app, ("spec", "scale", "metrics", index), metric, scope.spec.pod_template(app))
    for scaler in scope.spec.autoscalers.values():
        deployment = scope.spec.deployments.get(_target(scaler))
        for index, metric in enumerate(scaler.spec.followed):
            template = deployment.spec.template if deployment else None
            yield _Written(scaler, ("spec", "metrics", index), metric, template)


def bounds_agree(scope: Scope) -> Iterator[Fault]:
    """The minimum is not above the maximum."""
    for scaler in scope.spec.autoscalers.values():
        least, most = scaler.spec.min_replicas, scaler.spec.max_replicas
        if least > most:
            text = f"minReplicas {least} is above maxReplicas {most}"
            yield Fault(Code.SCALE_BOUNDS, scaler, ("spec", "minReplicas"), text)


def targets_exist(scope: Scope) -> Iterator[Fault]:
    """An autoscaler scales a Deployment that is there, in its namespace."""
    for scaler in scope.spec.autoscalers.values():
        reference = scaler.spec.scale_target_ref
        if reference.kind != "Deployment" or _target(scaler) not in scope.spec.deployments:
            text = f"there is no {reference.kind} {_target(scaler)} that can be scaled"
            yield Fault(Code.NO_TARGET, scaler, (*TARGET, "name"), text)


def templates_scale_with_their_app(scope: Scope) -> Iterator[Fault]:
    """Nobody runs the Deployment that is an App's template: the App's versions are what scales."""
    apps = {Key(k.namespace, app.spec.workload.deployment or ""): app for k, app in scope.spec.apps.items()}
    for scaler in scope.spec.autoscalers.values():
        if app := apps.get(_target(scaler)):
            text = f"Deployment {_target(scaler)} is the template of App {app.key}"
            yield Fault(Code.APP_SCALED, scaler, TARGET, text)


def one_autoscaler_for_each_deployment(scope: Scope) -> Iterator[Fault]:
    """Two would undo each other."""
    first: dict[Key, HorizontalPodAutoscaler] = {}
    for scaler in scope.spec.autoscalers.values():
        other = first.setdefault(_target(scaler), scaler)
        if other is not scaler:
            text = f"{names_of((other, scaler))} both scale Deployment {_target(scaler)}"
            yield Fault(Code.SCALED_TWICE, scaler, TARGET, text)


def metrics_have_a_source(scope: Scope) -> Iterator[Fault]:
    """The Mesh says where a metric of type Object or External is read."""
    for obj, path, metric, _ in _metrics(scope):
        said = metric.said
        if (
            isinstance(said, ObjectMetric | ExternalMetric)
            and said.metric.name not in scope.spec.mesh.metrics
        ):
            text = f"the Mesh does not say where metric {said.metric.name} is read"
            remedy = f"write its URL under `metrics` of the Mesh; there is {listed(scope.spec.mesh.metrics)}"
            place = (*path, metric.type.lower(), "metric", "name")
            yield Fault(Code.NO_METRIC, obj, place, text, remedy)


def utilization_has_a_request(scope: Scope) -> Iterator[Fault]:
    """Utilization is percent of what the container requests."""
    for obj, path, metric, template in _metrics(scope):
        resource = metric.resource
        if resource is None or resource.target.type != "Utilization" or template is None:
            continue
        if not template.spec.containers[0].resources.requested(resource.name):
            text = f"the container requests no {resource.name}, of which utilization is a percentage"
            remedy = f"add `resources.requests.{resource.name}`, or write type AverageValue"
            yield Fault(Code.NO_REQUEST, obj, (*path, "resource", "target"), text, remedy)
