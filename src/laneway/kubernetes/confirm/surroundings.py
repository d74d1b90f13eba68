"""What the cluster needs for witnesses. Must not know how it gets there."""

from __future__ import annotations

from typing import Any

from laneway.kubernetes.confirm.access import WITNESS


def witness_sidecar(namespace: str) -> dict[str, Any]:
    """A Sidecar in the root namespace by which witnesses see every host, whatever others see.

    The root namespace's Sidecar without a selector holds for all namespaces, its own among them; many meshes
    have one that hides other namespaces.
    """
    spec = {"workloadSelector": {"labels": {"app": WITNESS}}, "egress": [{"hosts": ["*/*"]}]}
    metadata = {"name": WITNESS, "namespace": namespace}
    return {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar", "metadata": metadata, "spec": spec}
