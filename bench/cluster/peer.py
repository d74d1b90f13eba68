"""What both peers need in a cluster: their kinds, and an account that may do everything."""

from __future__ import annotations

from functools import partial

from tests.lab import cache
from tests.lab.api import Object, objects
from tests.lab.waiting import until

from bench.cluster.field import ACCOUNT, Field

GROUP = "rbac.authorization.k8s.io"


async def install(field: Field, definitions: str) -> None:
    """Have the kinds of a peer, and let it do everything. definitions: a document of the lab."""
    text = cache.document(definitions).read_text()
    await field.lab.define_kinds(text)
    for each in objects(text):
        await until(
            partial(_is_listed, field, each["spec"]), f"{each['metadata']['name']} in its group's list"
        )
    namespace, name = ACCOUNT
    binding = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "measured"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}],
    }
    await field.have([binding])


async def _is_listed(field: Field, spec: Object) -> bool:
    """Whether the list of a group names a kind by now, which is a while after it is served."""
    listed = [f"/apis/{spec['group']}/{version['name']}" for version in spec["versions"]]
    found = [await field.lab.api.get(path) for path in listed]
    return all(any(each["kind"] == spec["names"]["kind"] for each in one["resources"]) for one in found)
