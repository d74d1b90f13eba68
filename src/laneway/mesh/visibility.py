"""Which hosts callers are told of: as the Sidecar says that governs them.

Owns which Sidecar that is. Must not know which hosts exist, nor what it means to be told of one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from laneway.mesh.names import age
from laneway.mesh.resources import Audience, Layer
from laneway.mesh.selection import selects
from laneway.spec.istio import Sidecar
from laneway.spec.meta import Key
from laneway.spec.naming import ROOT_NAMESPACE, covers

EVERYTHING = ("*", "*")


@dataclass(frozen=True, slots=True)
class Visibility:
    """What callers of a namespace see that a Sidecar governs.

    source: the Sidecar; namespace: the callers'; hosts: pairs of a namespace (`*`: any) and a host pattern;
    allowed: whether the callers may call what they do not see, None for as the mesh has it.
    """

    source: Key
    namespace: str
    hosts: tuple[tuple[str, str], ...]
    allowed: bool | None = None

    @property
    def limited(self) -> bool:
        """There may be hosts that are not seen."""
        return EVERYTHING not in self.hosts

    @property
    def layer(self) -> Layer:
        """What is shared by the proxies of these callers, if it is limited."""
        return Layer(Audience.VISIBLE, f"{self.source};{self.namespace}")

    def shows(self, host: str, namespace: str) -> bool:
        """Whether a host that is declared in this namespace is seen."""
        return any(where in {"*", namespace} and covers(pattern, host) for where, pattern in self.hosts)


class Visibilities:
    """The Sidecars, kept up to date one by one."""

    def __init__(self) -> None:
        self._sidecars: dict[str, dict[Key, Sidecar]] = defaultdict(dict)

    def put(self, sidecar: Sidecar) -> None:
        """Take a Sidecar, new or changed."""
        self._sidecars[sidecar.metadata.namespace][sidecar.key] = sidecar

    def drop(self, sidecar: Sidecar) -> None:
        """Let a Sidecar that was taken go."""
        namespace = sidecar.metadata.namespace
        del self._sidecars[namespace][sidecar.key]
        if not self._sidecars[namespace]:
            del self._sidecars[namespace]

    def of(self, namespace: str, labels: Mapping[str, str]) -> Visibility | None:
        """What a caller sees; None where no Sidecar governs it: everything.

        The oldest that selects the caller counts, else the oldest without a selector in its namespace, else
        that of the root namespace.
        """
        if not self._sidecars:
            return None
        own = self._oldest_first(namespace)
        for sidecar in own:
            selector = sidecar.spec.workload_selector
            if selector and selects(selector.labels, labels):
                return _visibility(sidecar, namespace)
        for sidecar in (*own, *self._oldest_first(ROOT_NAMESPACE)):
            if sidecar.spec.workload_selector is None:
                return _visibility(sidecar, namespace)
        return None

    def _oldest_first(self, namespace: str) -> list[Sidecar]:
        return sorted(self._sidecars.get(namespace, {}).values(), key=age)


def _visibility(sidecar: Sidecar, namespace: str) -> Visibility:
    """`.` is the namespace of the callers, also in a Sidecar of the root namespace; without egress: all."""
    spec = sidecar.spec
    imports = [name.lower().partition("/") for listener in spec.egress for name in listener.hosts]
    hosts = ((namespace if where == "." else where, pattern) for where, _, pattern in imports)
    policy = spec.outbound_traffic_policy
    return Visibility(
        sidecar.key,
        namespace,
        tuple(hosts) if spec.egress else (EVERYTHING,),
        policy.mode == "ALLOW_ANY" if policy else None,
    )
