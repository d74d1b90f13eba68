"""Who may do what: the ServiceAccount that Laneway is, without a right too many, and roles for people.

Must not know how a request is made, nor where the controller runs but for its namespace.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from laneway.kubernetes.install.crds import GROUP
from laneway.kubernetes.places import ACCOUNT, LEASE
from laneway.manifests.names import LANEWAY

Manifest = dict[str, Any]

LABELS = {"app.kubernetes.io/name": LANEWAY}
"""Of everything that is installed. Not the label of what is derived: nothing here is Laneway's to remove."""

_RBAC = "rbac.authorization.k8s.io"
_SEE = ("get", "list", "watch")
_CHANGE = ("create", "patch", "delete")
_NETWORKING = "networking.istio.io"
_AGGREGATED = "rbac.authorization.k8s.io/aggregate-to-"


def _may(group: str, resources: Iterable[str], *verbs: str, names: Iterable[str] = ()) -> Manifest:
    said: Manifest = {"apiGroups": [group], "resources": list(resources)}
    return said | ({"resourceNames": list(names)} if names else {}) | {"verbs": list(verbs)}


def _everywhere(keda: bool) -> list[Manifest]:
    """What Laneway does in any namespace. Applying is a patch, and a create where there is nothing yet.

    ScaledObjects are watched anyway: without that right, nobody could tell that the kind is not there.
    """
    rules = [
        _may(GROUP, ("apps", "lanes", "meshes", "releases"), *_SEE),
        _may(GROUP, ("releases",), *_CHANGE),
        _may(GROUP, ("apps",), "patch"),  # the finalizer of `deletion`
        _may(GROUP, ("lanes",), "patch", "delete"),
        _may(GROUP, ("apps/status", "lanes/status", "meshes/status", "releases/status"), "patch"),
        _may("apps", ("deployments", "controllerrevisions"), *_SEE, *_CHANGE),
        _may("apps", ("deployments/scale",), "get", "patch", "update"),
        _may("autoscaling", ("horizontalpodautoscalers",), *_SEE, *_CHANGE),
        _may("policy", ("poddisruptionbudgets",), *_SEE, *_CHANGE),
        _may("", ("services", "configmaps", "secrets"), *_SEE, *_CHANGE),
        _may("", ("pods", "namespaces"), *_SEE),
        _may("", ("events",), "create", "patch"),
        _may("discovery.k8s.io", ("endpointslices",), *_SEE),
        _may(_NETWORKING, ("virtualservices", "destinationrules", "gateways"), *_SEE, *_CHANGE),
        _may(_NETWORKING, ("serviceentries", "sidecars"), *_SEE),
    ]
    return [*rules, _may("keda.sh", ("scaledobjects",), *_SEE, *(_CHANGE if keda else ()))]


def _at_home() -> list[Manifest]:
    """What Laneway does in its own namespace: one replica leads, and it shows istiod who it is."""
    return [
        _may("coordination.k8s.io", ("leases",), "create"),
        _may("coordination.k8s.io", ("leases",), *_SEE, "patch", names=(LEASE,)),
        _may("", ("serviceaccounts/token",), "create", names=(ACCOUNT,)),
    ]


def rights(namespace: str, *, keda: bool = False) -> list[Manifest]:
    """The ServiceAccount and its roles. keda: whether it writes ScaledObjects."""
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
    return [
        account(namespace),
        _role("ClusterRole", LANEWAY, _everywhere(keda)),
        _binding("ClusterRoleBinding", "ClusterRole", subject),
        _role("Role", LANEWAY, _at_home(), namespace),
        _binding("RoleBinding", "Role", subject, namespace),
    ]


def account(namespace: str) -> Manifest:
    """The ServiceAccount."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(ACCOUNT, namespace)}


def roles_for_people() -> list[Manifest]:
    """What Kubernetes' own roles `view` and `edit` gain: to look, and to write Apps, Lanes and requests.

    The Mesh is of the whole cluster: administrators write it.
    """
    written = ("apps", "apps/scale", "lanes", "releases")
    edit = _may(GROUP, written, "create", "update", "patch", "delete", "deletecollection")
    view = _may(GROUP, ("apps", "apps/scale", "lanes", "meshes", "releases"), *_SEE)
    return [
        _role("ClusterRole", f"{LANEWAY}-view", [view], into=("view", "edit", "admin")),
        _role("ClusterRole", f"{LANEWAY}-edit", [edit], into=("edit", "admin")),
    ]


def metadata(name: str, namespace: str = "", **labels: str) -> Manifest:
    """Of an object that is installed; without a namespace, of the whole cluster."""
    said: Manifest = {"name": name} | ({"namespace": namespace} if namespace else {})
    return said | {"labels": {**LABELS, **labels}}


def _role(
    kind: str, name: str, rules: list[Manifest], namespace: str = "", into: Iterable[str] = ()
) -> Manifest:
    labels = {f"{_AGGREGATED}{role}": "true" for role in into}
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": kind,
        "metadata": metadata(name, namespace, **labels),
        "rules": rules,
    }


def _binding(kind: str, role: str, subject: Manifest, namespace: str = "") -> Manifest:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": kind,
        "metadata": metadata(LANEWAY, namespace),
        "roleRef": {"apiGroup": _RBAC, "kind": role, "name": LANEWAY},
        "subjects": [subject],
    }
