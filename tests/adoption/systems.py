"""Plain systems to adopt, as YAML."""

from __future__ import annotations

from laneway.spec.load import Source, load
from laneway.spec.meta import Object

GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]
"""


def service(name: str, port: int = 9080) -> str:
    """A Service that selects pods by its own name."""
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: shop}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: {port}, targetPort: 9080}}]}}
"""


def deployment(app: str, version: str = "v1", replicas: int = 1) -> str:
    """One version of a service."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {app}-{version}, namespace: shop}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {app}, version: {version}}}}}
  template:
    metadata: {{labels: {{app: {app}, version: {version}}}}}
    spec: {{containers: [{{name: {app}, image: registry/{app}:{version}, ports: [{{containerPort: 9080}}]}}]}}
"""


def rules(name: str, http: str, host: str = "", gateways: str = "[mesh]") -> str:
    """A VirtualService."""
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: shop}}
spec: {{hosts: ['{host or name}'], gateways: {gateways}, http: {http}}}
"""


def policy(name: str, rest: str) -> str:
    """A DestinationRule."""
    return f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}, namespace: shop}}
spec: {{host: {name}, {rest}}}
"""


def to(host: str, rest: str = "", weight: int = 1) -> str:
    """A route to a Service's only port. rest: of the destination."""
    return f"{{destination: {{host: {host}{rest}}}, weight: {weight}}}"


def rule(*destinations: str, match: str = "", rest: str = "") -> str:
    """A rule of a VirtualService. match: one block."""
    matches = f"match: [{match}], " if match else ""
    return f"{{{matches}{rest}route: [{', '.join(destinations)}]}}"


def read(*texts: str) -> list[Object]:
    """The objects of these texts. All of them must be right."""
    loaded = load([Source("plain.yaml", "\n---\n".join(texts))], "shop")
    assert not loaded.errors, loaded.errors
    return list(loaded.objects)
