"""Rules of names, of one Mesh, and of the Kubernetes and Istio objects by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from laneway.spec.lane import Mesh
from laneway.spec.meta import DNS_LABEL, Key, Object
from laneway.spec.problems import Code
from laneway.spec.rules.scope import Fault, Scope, listed

NAME = ("metadata", "name")
NAME_LENGTH_MAX = 63
"""Of a label of DNS, which the name of a Service is (RFC 1123)."""


def one_mesh(scope: Scope) -> Iterator[Fault]:
    """The platform has one Mesh."""
    meshes = [obj for obj in scope.objects if isinstance(obj, Mesh)]
    for mesh in meshes[1:]:
        text = f"there is already Mesh {meshes[0].key}"
        yield Fault(Code.SECOND_MESH, mesh, NAME, text)


def names_are_labels(scope: Scope) -> Iterator[Fault]:
    """Apps, Lanes and Services become names of hosts and values of labels."""
    spec = scope.spec
    for obj in (*spec.apps.values(), *spec.lanes.values(), *spec.services.values()):
        name = obj.metadata.name
        if not re.fullmatch(DNS_LABEL, name) or len(name) > NAME_LENGTH_MAX:
            yield Fault(Code.BAD_NAME, obj, NAME, f"{name} cannot be the name of a {obj.kind}")


def names_of_lane_services_fit(scope: Scope) -> Iterator[Fault]:
    """A lane's Service is named after the app and the lane together."""
    for lane in scope.spec.lanes.values():
        for index, app in enumerate(lane.spec.apps):
            name = f"{app.name}-{lane.metadata.name}"
            if len(name) > NAME_LENGTH_MAX:
                text = f"the Service {name} would have {len(name)} characters"
                remedy = f"shorten the lane's name by {len(name) - NAME_LENGTH_MAX}"
                yield Fault(Code.BAD_NAME, lane, ("spec", "apps", index, "name"), text, remedy)


def names_are_free(scope: Scope) -> Iterator[Fault]:
    """What Laneway writes for an App or a Lane has names that no object of the user's has."""
    spec = scope.spec
    taken: dict[tuple[str, Key], Object] = {}
    for app in spec.apps.values():
        taken |= {(kind, app.key): app for kind in ("Service", "VirtualService", "DestinationRule")}
    for lane in spec.lanes.values():
        for patched in lane.spec.apps:
            key = Key(lane.metadata.namespace, f"{patched.name}-{lane.metadata.name}")
            taken |= {(kind, key): lane for kind in ("Service", "Deployment")}
            patches = spec.apps.get(Key(lane.metadata.namespace, patched.name))
            if patches is not None and patches.spec.routing.traffic_policy is not None:
                taken["DestinationRule", key] = lane
    for obj in scope.objects:
        owner = taken.get((obj.kind, obj.key))
        if owner is not None:
            text = f"Laneway writes {obj.kind} {obj.key} itself, for {owner.kind} {owner.key}"
            yield Fault(Code.NAME_TAKEN, obj, NAME, text)


def selector_matches_template(scope: Scope) -> Iterator[Fault]:
    """A Deployment selects the pods that its template makes."""
    for deployment in scope.spec.deployments.values():
        selected = deployment.spec.selector.match_labels
        labels = deployment.spec.template.metadata.labels
        if not selected:
            yield Fault(Code.SELECTOR, deployment, ("spec", "selector"), "the Deployment selects no pods")
        for name, value in selected.items():
            if labels.get(name) != value:
                text = f"the template has no label {name}: {value}"
                yield Fault(Code.SELECTOR, deployment, ("spec", "selector", "matchLabels", name), text)


def service_port_names_exist(scope: Scope) -> Iterator[Fault]:
    """A Service's targetPort that is a name is that of a container port of the pods it selects."""
    for service in scope.spec.services.values():
        templates = [
            deployment.spec.template
            for deployment in scope.spec.deployments.values()
            if deployment.key.namespace == service.key.namespace
            and service.spec.selector
            and service.spec.selector.items() <= deployment.spec.template.metadata.labels.items()
        ]
        names = {
            port.name
            for template in templates
            for container in template.spec.containers
            for port in container.ports
        }
        for index, port in enumerate(service.spec.ports):
            if templates and isinstance(port.target_port, str) and port.target_port not in names:
                path = ("spec", "ports", index, "targetPort")
                text = f"the selected containers have no port named {port.target_port}"
                remedy = f"their names are: {listed(filter(None, names))}"
                yield Fault(Code.NO_PORT_NAME, service, path, text, remedy)


def static_entries_have_endpoints(scope: Scope) -> Iterator[Fault]:
    """A ServiceEntry that is not resolved by DNS says where its endpoints are."""
    for entry in scope.spec.service_entries.values():
        spec = entry.spec
        if spec.resolution == "STATIC" and not spec.endpoints and spec.workload_selector is None:
            text = "resolution STATIC without `endpoints` and without `workloadSelector`"
            yield Fault(Code.NO_ENDPOINTS, entry, ("spec", "resolution"), text)
