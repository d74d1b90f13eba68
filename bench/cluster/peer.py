"""What both peers need in a cluster: their kinds, and an account that may do everything."""

from __future__ import annotations

from tests.lab import cache

from bench.cluster.field import ACCOUNT, Field

GROUP = "rbac.authorization.k8s.io"


async def install(field: Field, definitions: str) -> None:
    """Have the kinds of a peer, and let it do everything. definitions: a document of the lab."""
    await field.lab.define_kinds(cache.document(definitions).read_text())
    namespace, name = ACCOUNT
    binding = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "measured"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}],
    }
    await field.have([binding])
