"""Objects as an API server tells them, for tests without one."""

from __future__ import annotations

from typing import Any

import orjson

from laneway.kubernetes.api.seen import PodSeen, Seen, seen
from laneway.manifests import names
from laneway.spec.meta import Key

SHOP = "shop"


def stored(kind: str, name: str, version: int = 1, **fields: Any) -> Seen:
    """An object in the namespace shop. fields: `spec`, `status`, and what belongs to its metadata."""
    metadata = {"name": name, "namespace": SHOP, "resourceVersion": str(version), "uid": f"{kind}-{name}"}
    body: dict[str, Any] = {"apiVersion": "v1", "kind": kind, "metadata": metadata}
    for field, value in fields.items():
        (body if field in {"apiVersion", "spec", "status", "data"} else metadata)[field] = value
    return seen(orjson.dumps(body))


def app(name: str, version: int = 1, hosts: tuple[str, ...] = (), **spec: Any) -> Seen:
    """An App whose template is the Deployment of its name."""
    routing = {"hosts": list(hosts), "gateways": ["shop/public"] if hosts else []}
    port = {"name": "http", "port": 80, "targetPort": 8080}
    said = {"workload": {"deployment": name}, "service": {"ports": [port]}, "routing": routing, **spec}
    return stored("App", name, version, apiVersion="laneway.dev/v1alpha1", spec=said, generation=version)


def deployment(name: str, version: int = 1, replicas: int = 2, image: str = "a:1", **pod: Any) -> Seen:
    """A person's Deployment."""
    container = {"name": name, "image": image, **pod}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return stored("Deployment", name, version, spec=spec)


def derived(kind: str, name: str, of: str, version: int = 1, **fields: Any) -> Seen:
    """An object that Laneway has made of an App."""
    labels = {names.MANAGED_BY: names.LANEWAY, names.APP: of}
    return stored(kind, name, version, labels=labels, **fields)


def pod(name: str, of: str, revision: str = "r", **fields: Any) -> PodSeen:
    """A pod of an App's revision. fields: of PodSeen."""
    labels = {names.APP: of, names.REVISION: revision}
    said: dict[str, Any] = {
        "ready": True,
        "deleting": False,
        "ip": "10.0.0.1",
        "sidecar": True,
        "phase": "Running",
    }
    return PodSeen(Key(SHOP, name), f"uid-{name}", labels, **(said | fields))
