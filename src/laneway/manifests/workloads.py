"""Kept templates, Deployments and autoscalers of an app's revisions and of lanes' versions."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from laneway.manifests import names
from laneway.plan.result import AppPlan, LaneVersionPlan, VersionPlan
from laneway.plan.sizing import ceil_div
from laneway.spec.app import DisruptionBudget, Scale
from laneway.spec.autoscaling import MetricSpec
from laneway.spec.kubernetes import EnvVar
from laneway.spec.meta import Key
from laneway.spec.release_policy import Drain
from laneway.spec.values import FULL, format_duration, format_quantity, parse_quantity
from laneway.spec.world import FOLDER

Manifest = dict[str, Any]


def meta(key: Key, labels: dict[str, str]) -> Manifest:
    """Metadata of an object that Laneway writes."""
    return {
        "name": key.name,
        "namespace": key.namespace,
        "labels": {names.MANAGED_BY: names.LANEWAY, **labels},
    }


def kept_template(app: Key, version: VersionPlan) -> Manifest:
    """The ControllerRevision that keeps a template, labelled with what it is to the app."""
    labels = {names.APP: app.name, names.REVISION: version.revision, names.ROLE: version.role.value}
    key = Key(app.namespace, names.versioned(app.name, version.revision))
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": meta(key, labels) | _annotations(_folder(version.folder)),
        "revision": 1,
        "data": {"template": version.template.written()},
    }


def revision_deployment(app: Key, version: VersionPlan, drain: Drain) -> Manifest:
    """The Deployment of one revision, with the pods that the plan gives it, and how they go."""
    selector = {names.APP: app.name, names.REVISION: version.revision}
    canonical = {names.CANONICAL_NAME: app.name, names.CANONICAL_REVISION: version.revision}
    labels = {**version.template.labels, **selector, **canonical}
    key = Key(app.namespace, names.versioned(app.name, version.revision))
    pod = _pod(labels, version.template.written())
    annotations = _drain(drain) | _folder(version.folder)
    return _deployment(key, selector, selector, pod, version.replicas, annotations)


def _folder(folder: str) -> dict[str, str]:
    return {FOLDER: folder} if folder else {}


def _annotations(said: dict[str, str]) -> Manifest:
    return {"annotations": said} if said else {}


def _drain(drain: Drain) -> dict[str, str]:
    said = {names.DRAIN_LIMIT: drain.limit, names.DRAIN_GRACE: drain.grace}
    return {name: format_duration(value) for name, value in said.items() if value is not None}


def lane_deployment(version: LaneVersionPlan, base: Manifest) -> Manifest:
    """The Deployment of a lane's version, without the template's labels: no other Service selects it.

    base: the version's template as written, which many lanes share.
    """
    lane = version.lane
    selector = {names.LANE: lane.name, names.LANE_APP: version.app}
    canonical = {names.CANONICAL_NAME: version.app, names.CANONICAL_REVISION: lane.name}
    key = Key(lane.namespace, names.lane_service(version.app, lane.name))
    own = {**selector, names.BASE: version.base}
    pod = _pod({**selector, **canonical}, base)
    return _deployment(
        key,
        own,
        selector,
        pod | {"spec": patched(base["spec"], version.image, version.env)},
        version.replicas,
        _folder(version.folder),
    )


def patched(pod: Manifest, image: str | None, env: Iterable[EnvVar]) -> Manifest:
    """A pod's spec with a lane's image and variables; variables of the same name are replaced in place."""
    container = dict(pod["containers"][0])
    if image:
        container["image"] = image
    if own := [variable.written() for variable in env]:
        variables = (*container.get("env", ()), *own)
        container["env"] = list({variable["name"]: variable for variable in variables}.values())
    return pod | {"containers": [container, *pod["containers"][1:]]}


def _pod(labels: dict[str, str], template: Manifest) -> Manifest:
    """A template for a Deployment: with these labels, and the annotations that were written."""
    metadata: Manifest = {"labels": labels}
    if annotations := template.get("metadata", {}).get("annotations"):
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": template["spec"]}


def _deployment(
    key: Key,
    own: dict[str, str],
    selector: dict[str, str],
    pod: Manifest,
    replicas: int,
    annotations: dict[str, str],
) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta(key, own) | _annotations(annotations),
        "spec": {"replicas": replicas, "selector": {"matchLabels": selector}, "template": pod},
    }


PACE = {"scaleDown": {"stabilizationWindowSeconds": 300}}
"""Kubernetes' defaults of `behavior`, said.

Where it is left out, an old recommendation brings back pods that a shift of weight has taken away.
"""


def _for_share(metric: MetricSpec, carry: int) -> Manifest:
    """A metric of the app for a version of it: the values of Object and External are the whole app's."""
    written = metric.written()
    if metric.type in ("Object", "External"):
        target = written[metric.type.lower()]["target"]
        for name in target.keys() & {"value", "averageValue"}:
            thousandths = ceil_div(int(parse_quantity(target[name]) * 1000) * FULL, carry)
            target[name] = format_quantity(Decimal(thousandths) / 1000)
    return written


def _scaled_object(app: AppPlan, version: VersionPlan, said: Manifest) -> Manifest:
    """KEDA's ScaledObject of a revision, with the same bounds. Source: keda.sh, v1alpha1."""
    assert version.bounds is not None
    key = Key(app.key.namespace, names.versioned(app.key.name, version.revision))
    least, most = version.bounds
    counts = {"minReplicaCount": least, "maxReplicaCount": most}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": meta(key, {names.APP: app.key.name, names.REVISION: version.revision}),
        "spec": {**said, "scaleTargetRef": {"name": key.name}, **counts},
    }


def disruption_budget(app: Key, budget: DisruptionBudget) -> Manifest:
    """How many pods of all revisions of an app an eviction may take."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": meta(app, {names.APP: app.name}),
        "spec": {"selector": {"matchLabels": {names.APP: app.name}}, **budget.written()},
    }


def autoscaler(app: AppPlan, version: VersionPlan, scale: Scale) -> Manifest | None:
    """The HorizontalPodAutoscaler of a revision, bounded for the weight it carries; none without metrics."""
    if version.bounds is None:
        return None
    least, most = version.bounds
    key = Key(app.key.namespace, names.versioned(app.key.name, version.revision))
    if scale.scaled_object is not None:
        return _scaled_object(app, version, scale.scaled_object)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": key.name}
    spec: Manifest = {
        "scaleTargetRef": target,
        "minReplicas": least,
        "maxReplicas": most,
        "metrics": [_for_share(metric, version.carry) for metric in scale.metrics],
        "behavior": scale.behavior.written() if scale.behavior else PACE,
    }
    labels = {names.APP: app.key.name, names.REVISION: version.revision}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": meta(key, labels),
        "spec": spec,
    }
