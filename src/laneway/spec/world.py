"""Spec: everything that people have said, as one value.

Deployments named by an App are templates, the others run as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from laneway.spec.app import App
from laneway.spec.autoscaling import HorizontalPodAutoscaler
from laneway.spec.istio import DestinationRule, Gateway, ServiceEntry, Sidecar, VirtualService
from laneway.spec.kubernetes import ConfigMap, Deployment, PodTemplate, Secret, Service
from laneway.spec.lane import Lane, MeshSpec
from laneway.spec.meta import Key
from laneway.spec.release import Release
from laneway.spec.template import Template

FOLDER = "laneway.dev/folder"
"""Annotation of what holds a template: the absolute path of the folder that its command runs in."""


@dataclass(frozen=True, slots=True)
class Spec:
    """The desired world. Every mapping is keyed by namespace and name.

    templates, sizes: by App, pod templates and numbers of pods that an engine has read as they are.
    """

    mesh: MeshSpec = MeshSpec()  # noqa: RUF009 - frozen
    apps: Mapping[Key, App] = field(default_factory=dict)
    lanes: Mapping[Key, Lane] = field(default_factory=dict)
    releases: Mapping[Key, Release] = field(default_factory=dict)
    deployments: Mapping[Key, Deployment] = field(default_factory=dict)
    services: Mapping[Key, Service] = field(default_factory=dict)
    config_maps: Mapping[Key, ConfigMap] = field(default_factory=dict)
    secrets: Mapping[Key, Secret] = field(default_factory=dict)
    gateways: Mapping[Key, Gateway] = field(default_factory=dict)
    virtual_services: Mapping[Key, VirtualService] = field(default_factory=dict)
    destination_rules: Mapping[Key, DestinationRule] = field(default_factory=dict)
    service_entries: Mapping[Key, ServiceEntry] = field(default_factory=dict)
    sidecars: Mapping[Key, Sidecar] = field(default_factory=dict)
    autoscalers: Mapping[Key, HorizontalPodAutoscaler] = field(default_factory=dict)
    templates: Mapping[Key, Template] = field(default_factory=dict)
    sizes: Mapping[Key, int] = field(default_factory=dict)

    def template(self, app: App) -> Template | None:
        """The pod template of an app: inline, or its Deployment's; None where that Deployment is missing."""
        if app.key in self.templates:
            return self.templates[app.key]
        source = self._source(app)
        return source.spec.template if isinstance(source, Deployment) else app.spec.workload.template

    def pod_template(self, app: App) -> PodTemplate | None:
        """The template where a model has read it; None where it is missing, or is kept as it is."""
        found = self.template(app)
        return found if isinstance(found, PodTemplate) else None

    def folder(self, app: App) -> str | None:
        """The folder that an app's template was applied from; empty: not known; None: no template."""
        source = self._source(app)
        return source.metadata.annotations.get(FOLDER, "") if source else None

    def _source(self, app: App) -> App | Deployment | None:
        """What holds an app's template."""
        if app.spec.workload.template is not None:
            return app
        return self.deployments.get(Key(app.metadata.namespace, app.spec.workload.deployment or ""))

    def replicas(self, app: App) -> int:
        """Pods of the app at rest when nothing else is known: fixed, the lower bound, or its Deployment's."""
        scale = app.spec.scale
        if scale is not None and (scale.replicas or scale.min):
            return scale.replicas or scale.min or 1
        if app.key in self.sizes:
            return max(1, self.sizes[app.key])
        deployment = self.deployments.get(Key(app.metadata.namespace, app.spec.workload.deployment or ""))
        return max(1, deployment.spec.replicas or 1) if deployment else 1
