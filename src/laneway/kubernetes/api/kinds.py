"""The kinds that Laneway reads and writes: where the API server keeps them.

Must not know what they are for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Resource:
    """Where objects of a kind are found. plural: as in a path; namespaced: or of the whole cluster."""

    kind: str
    group: str
    version: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As an object's `apiVersion`: the group, where it is not the core one, and the version."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """The path of one object, of a part of it, or of all; namespace: None or empty for all of them."""
        parts = ["/apis" if self.group else "/api", self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)


_GROUPS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("laneway.dev", "v1alpha1"): {"App": "apps", "Lane": "lanes", "Release": "releases"},
    ("", "v1"): {
        "Pod": "pods",
        "Service": "services",
        "ConfigMap": "configmaps",
        "Secret": "secrets",
        "Event": "events",
        "ServiceAccount": "serviceaccounts",
    },
    ("apps", "v1"): {
        "Deployment": "deployments",
        "ReplicaSet": "replicasets",
        "ControllerRevision": "controllerrevisions",
    },
    ("autoscaling", "v2"): {"HorizontalPodAutoscaler": "horizontalpodautoscalers"},
    ("policy", "v1"): {"PodDisruptionBudget": "poddisruptionbudgets"},
    ("discovery.k8s.io", "v1"): {"EndpointSlice": "endpointslices"},
    ("coordination.k8s.io", "v1"): {"Lease": "leases"},
    ("networking.istio.io", "v1"): {
        "VirtualService": "virtualservices",
        "DestinationRule": "destinationrules",
        "Gateway": "gateways",
        "ServiceEntry": "serviceentries",
        "Sidecar": "sidecars",
    },
    ("keda.sh", "v1alpha1"): {"ScaledObject": "scaledobjects"},
    ("rbac.authorization.k8s.io", "v1"): {"Role": "roles", "RoleBinding": "rolebindings"},
}

_CLUSTER_GROUPS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("laneway.dev", "v1alpha1"): {"Mesh": "meshes"},
    ("", "v1"): {"Namespace": "namespaces", "Node": "nodes"},
    ("apiextensions.k8s.io", "v1"): {"CustomResourceDefinition": "customresourcedefinitions"},
    ("rbac.authorization.k8s.io", "v1"): {
        "ClusterRole": "clusterroles",
        "ClusterRoleBinding": "clusterrolebindings",
    },
    ("admissionregistration.k8s.io", "v1"): {
        "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    },
}

RESOURCES: Mapping[str, Resource] = MappingProxyType(
    {
        kind: Resource(kind, group, version, plural, namespaced)
        for groups, namespaced in ((_GROUPS, True), (_CLUSTER_GROUPS, False))
        for (group, version), kinds in groups.items()
        for kind, plural in kinds.items()
    }
)
"""By kind."""
