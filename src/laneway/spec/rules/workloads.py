"""Rules of pod templates, wherever they stand: what they refer to is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from laneway.spec.app import App
from laneway.spec.kubernetes import ConfigMap, Container, Deployment, EnvVar, PodTemplate, Secret
from laneway.spec.kubernetes.volume import ConfigMapVolume, SecretProjection, SecretVolume, Volume
from laneway.spec.lane import Lane
from laneway.spec.meta import Key, Object
from laneway.spec.problems import Code
from laneway.spec.rules.scope import Fault, Scope, listed
from laneway.spec.world import Spec
from laneway.spec.yaml import Path


class Template(NamedTuple):
    """A pod template, and where it stands."""

    obj: App | Deployment
    path: Path
    template: PodTemplate


def templates(spec: Spec) -> Iterator[Template]:
    """Every pod template."""
    for deployment in spec.deployments.values():
        yield Template(deployment, ("spec", "template"), deployment.spec.template)
    for app in spec.apps.values():
        if app.spec.workload.template is not None:
            yield Template(app, ("spec", "workload", "template"), app.spec.workload.template)


class _Named(NamedTuple):
    """A ConfigMap or a Secret that a template names, and the key of it; without one, all of it."""

    obj: Object
    path: Path
    kind: str
    name: str
    key: str | None = None


def configuration_exists(scope: Scope) -> Iterator[Fault]:
    """A ConfigMap or a Secret that is not optional is there."""
    for named in _named(scope.spec):
        if _found(scope.spec, named) is None:
            text = f"there is no {named.kind} {named.obj.metadata.namespace}/{named.name}"
            yield Fault(Code.NO_CONFIGURATION, named.obj, named.path, text)


def keys_exist(scope: Scope) -> Iterator[Fault]:
    """A key of a ConfigMap or a Secret that is not optional is there."""
    for named in _named(scope.spec):
        found = _found(scope.spec, named)
        if found is not None and named.key is not None and named.key not in found.values:
            text = f"{named.kind} {found.key} has no key {named.key}"
            remedy = f"its keys are: {listed(found.values)}; add it, or write `optional: true`"
            yield Fault(Code.NO_KEY, named.obj, named.path, text, remedy)


def _found(spec: Spec, named: _Named) -> ConfigMap | Secret | None:
    there: Mapping[Key, ConfigMap | Secret] = spec.secrets if named.kind == "Secret" else spec.config_maps
    return there.get(Key(named.obj.metadata.namespace, named.name))


def _named(spec: Spec) -> Iterator[_Named]:
    for obj, path, template in templates(spec):
        for index, container in enumerate(template.spec.containers):
            yield from _in_container(obj, (*path, "spec", "containers", index), container)
        for index, volume in enumerate(template.spec.volumes):
            yield from _in_volume(obj, (*path, "spec", "volumes", index), volume)
    for lane in spec.lanes.values():
        for index, app in enumerate(lane.spec.apps):
            yield from _in_variables(lane, ("spec", "apps", index, "env"), app.env)


def _in_container(obj: App | Deployment, path: Path, container: Container) -> Iterator[_Named]:
    yield from _in_variables(obj, (*path, "env"), container.env)
    for index, group in enumerate(container.env_from):
        refs = {"ConfigMap": group.config_map_ref, "Secret": group.secret_ref}
        for kind, ref in refs.items():
            if ref is not None and not ref.optional:
                yield _Named(obj, (*path, "envFrom", index), kind, ref.name)


def _in_volume(obj: App | Deployment, path: Path, volume: Volume) -> Iterator[_Named]:
    if volume.config_map is not None:
        yield from _files(obj, (*path, "configMap"), "ConfigMap", volume.config_map.name, volume.config_map)
    if volume.secret is not None:
        yield from _files(obj, (*path, "secret"), "Secret", volume.secret.secret_name, volume.secret)
    for index, source in enumerate(volume.projected.sources if volume.projected else ()):
        below = (*path, "projected", "sources", index)
        if source.config_map is not None:
            yield from _files(obj, below, "ConfigMap", source.config_map.name, source.config_map)
        if source.secret is not None:
            yield from _files(obj, below, "Secret", source.secret.name, source.secret)


def _files(
    obj: App | Deployment,
    path: Path,
    kind: str,
    name: str,
    said: ConfigMapVolume | SecretVolume | SecretProjection,
) -> Iterator[_Named]:
    if not said.optional:
        yield _Named(obj, path, kind, name)
        for item in said.items:
            yield _Named(obj, path, kind, name, item.key)


def _in_variables(obj: App | Deployment | Lane, path: Path, variables: list[EnvVar]) -> Iterator[_Named]:
    for index, variable in enumerate(variables):
        source = variable.value_from
        if source is None:
            continue
        refs = {"ConfigMap": source.config_map_key_ref, "Secret": source.secret_key_ref}
        for kind, ref in refs.items():
            if ref is not None and not ref.optional:
                yield _Named(obj, (*path, index, "valueFrom"), kind, ref.name, ref.key)
