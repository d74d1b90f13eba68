"""Of a Sidecar."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.mesh.refusals.common import Finding
from laneway.spec.istio import Sidecar


def sidecar(value: Sidecar) -> Iterator[Finding]:
    """All that is wrong with a Sidecar."""
    if len(value.spec.egress) > 1:
        yield "egress[1]", "without ports there can be one; write all hosts in the first"
    for index, listener in enumerate(value.spec.egress):
        for position, name in enumerate(listener.hosts):
            where, _, host = name.partition("/")
            field = f"egress[{index}].hosts[{position}]"
            if where == "~" and host != "*":
                yield field, "no namespace has this host; write `~/*` for no host at all"
            elif "." not in host and host != "*":
                namespace = "NAMESPACE" if where in {".", "*"} else where
                yield field, f"write the full name, like {host}.{namespace}.svc.cluster.local"
