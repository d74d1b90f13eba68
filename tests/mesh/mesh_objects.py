"""Short ways to write the mesh's objects in tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from laneway.mesh.protos import message
from laneway.mesh.registry import MeshObject, Registry
from laneway.mesh.resources import Resource
from laneway.mesh.translator import Translator
from laneway.mesh.world import GatewayProxy, Inbound, Pod, Proxy, Sidecar
from laneway.spec import istio
from laneway.spec.istio import DestinationRule, Gateway, ServiceEntry, VirtualService
from laneway.spec.kubernetes import Service

MESH_OBJECTS = (Service, ServiceEntry, VirtualService, DestinationRule, Gateway, istio.Sidecar)
KINDS = {kind.__name__: kind for kind in MESH_OBJECTS}

SHOP = """
kind: Service
metadata: {name: pharmacy}
spec: {selector: {app: pharmacy}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
kind: Service
metadata: {name: pharmacy-green}
spec: {selector: {lane: green}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
kind: DestinationRule
metadata: {name: pharmacy}
spec: {host: pharmacy, subsets: [{name: a, labels: {version: a}}, {name: b, labels: {version: b}}]}
---
kind: VirtualService
metadata: {name: pharmacy}
spec:
  hosts: [pharmacy]
  http:
  - name: lane-green
    match: [{headers: {x-lane: {exact: green}}}]
    route: [{destination: {host: pharmacy-green}}]
  - name: weights
    route:
    - {destination: {host: pharmacy, subset: a}, weight: 80}
    - {destination: {host: pharmacy, subset: b}, weight: 20}
"""
"""A service of two versions, and a lane's version of it, in namespace shop."""


def parse(text: str) -> list[MeshObject]:
    """The objects of a YAML text; apiVersion may be left out, the namespace is `shop` unless given."""
    found: list[MeshObject] = []
    for document in yaml.safe_load_all(text):
        kind = KINDS[document["kind"]]
        metadata = {"namespace": "shop"} | document["metadata"]
        version = "v1" if kind is Service else "networking.istio.io/v1"
        found.append(kind.model_validate({"apiVersion": version} | document | {"metadata": metadata}))
    return found


def rules(*http: Mapping[str, Any], name: str = "pharmacy", **spec: Any) -> VirtualService:
    """A VirtualService of namespace shop, for the host of its name unless another is given."""
    metadata = {"name": name, "namespace": "shop"}
    body = {"hosts": [name], "http": list(http)} | spec
    version = "networking.istio.io/v1"
    return VirtualService.model_validate(
        {"apiVersion": version, "kind": "VirtualService", "metadata": metadata, "spec": body}
    )


def pod(name: str, labels: Mapping[str, str], *, ready: bool = True, **fields: Any) -> Pod:
    """A pod of namespace shop that listens on 8080, also named `http`."""
    given: dict[str, Any] = {
        "namespace": "shop",
        "name": name,
        "labels": labels,
        "address": "127.1.0.1",
        "ports": {8080: 8080},
        "port_names": {"http": 8080},
        "ready": ready,
    }
    return Pod(**(given | fields))


def sidecar(name: str = "page", namespace: str = "shop") -> Sidecar:
    """The proxy of a replica that listens on 8080."""
    inbound = Inbound(8080, ("127.1.0.9", 8080), ("127.1.0.10", 8080))
    return Sidecar(name, namespace, {"app": name}, ("127.1.0.9", 15001), (inbound,))


def ingress(name: str = "ingress", **ports: int) -> GatewayProxy:
    """The ingress gateway, with server port 80 bound to 8000, or what is given as `p80=8000`."""
    bound = {int(port[1:]): ("127.0.0.1", number) for port, number in (ports or {"p80": 8000}).items()}
    return GatewayProxy(name, "istio-system", {"istio": "ingressgateway"}, bound)


def registry(text: str | Iterable[MeshObject], pods: Iterable[Pod] = ()) -> Registry:
    """A registry of these objects and pods."""
    found = Registry()
    for value in parse(text) if isinstance(text, str) else text:
        found.upsert(value)
    found.set_pods(pods)
    return found


def translator(text: str, pods: Iterable[Pod] = (), proxies: Iterable[Proxy] = ()) -> Translator:
    """A translator of these objects, pods and proxies, with nothing taken yet."""
    found = Translator()
    for value in parse(text):
        assert found.upsert(value) == ()
    found.set_pods(pods)
    found.set_proxies(proxies)
    return found


def decoded(resource: Resource) -> Any:
    """The message in a resource."""
    wrapped = message("google.protobuf.Any").FromString(resource.body)
    return message(wrapped.type_url.rpartition("/")[2]).FromString(wrapped.value)
