"""Giving pods to a node: which ones wait for that, and the binding, which also says who gets an Envoy.

As scheduler and injector in one. Must not know what a node does with a pod.
"""

from __future__ import annotations

import asyncio
import logging

import aiohttp
from tests.lab.api import Api, ApiError, Object
from tests.lab.node import proxies
from tests.lab.node.proxies import Role

from laneway.spec.meta import Key

_AGAIN_SECONDS = 0.3
_TAKEN_OR_GONE = (403, 404, 409)
"""403: its namespace is being deleted."""

log = logging.getLogger(__name__)


def waits(pod: Object) -> bool:
    """Whether a pod has no node, and leaves the choice to the default scheduler."""
    spec = pod["spec"]
    mine = spec.get("schedulerName", "default-scheduler") == "default-scheduler"
    return mine and not spec.get("nodeName") and "deletionTimestamp" not in pod["metadata"]


async def bind(api: Api, node: str, key: Key, pod: Object) -> Role | None:
    """Give a pod to a node; its Envoy's role there. None where it is another's, or gone.

    The namespace's labels are asked for each time: a watch may not have seen them yet.
    """
    while True:
        try:
            namespace = await api.get(f"/api/v1/namespaces/{key.namespace}")
            role = proxies.role(pod, namespace["metadata"].get("labels", {}))
            path = f"/api/v1/namespaces/{key.namespace}/pods/{key.name}/binding"
            await api.request("POST", path, _binding(node, key, pod, role))
        except ApiError as error:
            if error.status not in _TAKEN_OR_GONE:
                log.warning("%s cannot be bound: %s", key, error)
            return None
        except (aiohttp.ClientError, TimeoutError):
            await asyncio.sleep(_AGAIN_SECONDS)  # the API server is away for now
        else:
            return role


def _binding(node: str, key: Key, pod: Object, role: Role) -> Object:
    annotations = {proxies.STATUS: proxies.annotation()} if role.any else {}
    meta = {"name": key.name, "uid": pod["metadata"]["uid"], "annotations": annotations}
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    return {"apiVersion": "v1", "kind": "Binding", "metadata": meta, "target": target}
