"""Istio objects, pods and proxies in; Envoy resources and what changed out.

Owns which input makes which resources stale. Pure: no I/O, no clock, not thread-safe. Must not know how resources are
sent, nor who has acknowledged them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from laneway.mesh.refusals import Refusal
from laneway.mesh.resources import Changes, Layer, Resource
from laneway.mesh.world import Pod, Proxy
from laneway.spec.meta import Key, Object


class Translator:
    """The translation, kept up to date by increments.

    Inputs only mark what is stale; `take_changes` translates that much. So inputs that arrive together cost one
    translation, and `resources_for` shows the state of the last `take_changes`.
    """

    def __init__(self, access_log: str | None = "/dev/stdout") -> None:
        """access_log: file that every proxy appends Istio's access log lines to; None for no log."""
        raise NotImplementedError

    def upsert(self, value: Object) -> tuple[Refusal, ...]:
        """Take a Service, ServiceEntry, VirtualService, DestinationRule or Gateway; other kinds have no effect.

        Returns why it was refused; then what was known under its name stays in force.
        """
        raise NotImplementedError

    def delete(self, kind: str, key: Key) -> None:
        """Forget an object; one that is not known is no error."""
        raise NotImplementedError

    def set_pods(self, pods: Iterable[Pod]) -> None:
        """Replace the pods: all that exist, ready or not."""
        raise NotImplementedError

    def set_proxies(self, proxies: Iterable[Proxy]) -> None:
        """Replace the proxies that are served."""
        raise NotImplementedError

    @property
    def generation(self) -> int:
        """Number of the last batch of changes that was taken; 0 before the first."""
        raise NotImplementedError

    def take_changes(self) -> Changes:
        """Translate what is stale, and tell what became different. Without new input: the same generation, no layers.

        A layer that a proxy gained by `set_proxies` appears in full when it is new, and not at all when other
        proxies had it before: answer a new proxy from `resources_for`.
        """
        raise NotImplementedError

    def layers_of(self, proxy_id: str) -> tuple[Layer, ...]:
        """The layers whose union a proxy serves. Raises KeyError for an unknown proxy."""
        raise NotImplementedError

    def resources_for(self, proxy_id: str) -> Mapping[str, Mapping[str, Resource]]:
        """By type URL and name, everything that a proxy serves: a live, read-only view. Names are unique across layers.

        Each of `TYPES` is present, also when empty: a wildcard subscription must be answered even with nothing, or the
        proxy's listeners never warm. Raises KeyError for an unknown proxy.
        """
        raise NotImplementedError

    def touched(self, kind: str, key: Key) -> int:
        """The generation in which the effect of an object last changed; the coming one while a change is not taken yet.

        A VirtualService's effect is its routes; that of a Service, ServiceEntry or DestinationRule includes the
        endpoints of its pods; a deleted object's effect is that it is gone. 0 for an object never seen.
        Every proxy that serves generation `touched(...)` or a later one serves the object as it is now.
        """
        raise NotImplementedError
