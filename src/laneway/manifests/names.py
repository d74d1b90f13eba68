"""Names and labels of what Laneway writes, and how they are read back. The one place that knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from laneway.spec.meta import Key
from laneway.spec.naming import DOMAIN

MANAGED_BY = "app.kubernetes.io/managed-by"
LANEWAY = "laneway"
APP = "laneway.dev/app"
REVISION = "laneway.dev/revision"
ROLE = "laneway.dev/role"
LANE = "laneway.dev/lane"
LANE_APP = "laneway.dev/lane-app"
BASE = "laneway.dev/base"
DRAIN_LIMIT = "laneway.dev/drain-limit"
DRAIN_GRACE = "laneway.dev/drain-grace"
"""Annotations of a Deployment: how its pods go. Not of its template, so that they change without new pods."""
CANONICAL_NAME = "service.istio.io/canonical-name"
CANONICAL_REVISION = "service.istio.io/canonical-revision"
OF_A_REVISION = frozenset({APP, REVISION, CANONICAL_NAME, CANONICAL_REVISION})
"""Labels that a revision's pods have besides those of their template."""

EGRESS_HOST = "istio-egressgateway.istio-system.svc.cluster.local"
"""Istio's default egress gateway."""


class Version(NamedTuple):
    """What pods are a version of: of an app (`app`, name, revision), or of a lane (`lane`, lane, app)."""

    namespace: str
    kind: str
    of: str
    which: str


def version_of(namespace: str, labels: Mapping[str, str]) -> Version | None:
    """What a pod with these labels is a version of; None of nothing that Laneway makes."""
    if LANE_APP in labels:
        return Version(namespace, "lane", labels.get(LANE, ""), labels[LANE_APP])
    if APP in labels and REVISION in labels:
        return Version(namespace, "app", labels[APP], labels[REVISION])
    return None


def managed(obj: Mapping[str, Any]) -> bool:
    """Whether Laneway derived an object (JSON values), so that nobody else writes it."""
    return (obj["metadata"].get("labels") or {}).get(MANAGED_BY) == LANEWAY


def host(namespace: str, service: str) -> str:
    """The full name of a Service inside the mesh."""
    return f"{service}.{namespace}.{DOMAIN}"


def versioned(app: str, revision: str) -> str:
    """The Deployment and the kept template of a revision."""
    return f"{app}-{revision}"


def lane_service(app: str, lane: str) -> str:
    """The Deployment and the Service of a lane's version of an app."""
    return f"{app}-{lane}"


def subset(revision: str) -> str:
    """The subset of a revision: the same pods for as long as it exists."""
    return f"r-{revision}"


def revision_of_subset(name: str) -> str:
    """The revision whose subset this is."""
    return name.removeprefix("r-")


def gateway_host_rules(public_host: str) -> str:
    """The VirtualService that holds the rules of all Apps on one gateway host. No App can have its name."""
    return "any-host.gateway" if public_host == "*" else f"gateway.{public_host.lower()}"


def egress_rules(external_host: str) -> str:
    """The VirtualService that leads to a host outside of the mesh."""
    return f"egress.{external_host.lower()}"


def lane_of_host(destination: str, app: Key) -> str | None:
    """The lane whose Service this host is, for an app; None where it is the app's own."""
    service = destination.split(".", 1)[0]
    return None if service == app.name else service.removeprefix(f"{app.name}-")
