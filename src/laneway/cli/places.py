"""Where a command looks and acts: one machine's Laneway, or a cluster. Must not know any command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from laneway.cli.engine import Engine
    from laneway.kubernetes.api.access import Access
    from laneway.local.state import State


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster. context: as it was asked for, None for the current one; namespace: None for all of them."""

    context: str | None
    access: Access
    namespace: str | None

    def namespaces(self, named: Iterable[str | None]) -> frozenset[str] | None:
        """The namespaces to look in: the command's, and those of NAMESPACE/NAME; None for all."""
        if self.namespace is None:
            return None
        spaces = {name.rpartition("/")[0] for name in named if name}
        return frozenset({self.namespace, *spaces} - {""})


Place: TypeAlias = "State | Cluster"


def cluster(context: str | None) -> Cluster:
    """The cluster of a context of the kubeconfig, in the context's namespace. Raises Failure."""
    from laneway.cli.failure import Failure
    from laneway.kubernetes.api.access import access
    from laneway.kubernetes.api.credentials import AccessError
    from laneway.spec.problems import Code

    try:
        way = access(context)
    except AccessError as error:
        raise Failure(Code.NO_CLUSTER, error.wrong, error.remedy) from None
    return Cluster(context, way, way.namespace)


@contextmanager
def connected(place: Place, *named: str | None) -> Iterator[Engine]:
    """The engine there. named: NAME or NAMESPACE/NAME of what is asked about. Raises Failure."""
    if isinstance(place, Cluster):
        from laneway.cli import cluster_client

        with cluster_client.connected(place.access, place.namespaces(named)) as client:
            yield client
    else:
        from laneway.cli import daemon

        with daemon.connected(place) as client:
            yield client
