"""What this engine knows beside the stored objects: its pods, and what proxies have confirmed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from laneway.local.pod.pods import Pod
from laneway.manifests import names
from laneway.plan.observed import Evidence, VersionSeen
from laneway.spec.meta import Key

_Group = tuple[str, str, str, str]
"""Namespace, then what names a version: app and revision, or lane and the app there."""


NO_EVIDENCE = Evidence()


class Snapshot:
    """The facts of one pass.

    Every version counts as drained: replicas drain one by one, after the rules and endpoints without them are
    confirmed.
    """

    def __init__(
        self,
        pods: Iterable[Pod],
        confirmed: Callable[[str, Key], bool],
        laggards: tuple[str, ...],
        evidence: Evidence = NO_EVIDENCE,
    ) -> None:
        self._evidence = evidence
        self._confirmed = confirmed
        self._laggards = laggards
        self._seen: dict[_Group, list[int]] = {}
        for pod in pods:
            for group in _groups(pod.key.namespace, pod.labels):
                count = self._seen.setdefault(group, [0, 0])
                count[0] += 1
                count[1] += pod.ready

    def version(self, namespace: str, labels: Mapping[str, str]) -> VersionSeen:
        """Pods of one version of an app or of a lane."""
        pods, available = self._seen.get(next(_groups(namespace, labels)), (0, 0))
        return VersionSeen(pods=pods, available=available)

    def confirmed(self, kind: str, key: Key) -> bool:
        """Whether every proxy serves the object as it is stored."""
        return self._confirmed(kind, key)

    def laggards(self) -> tuple[str, ...]:
        """Proxies that have not confirmed everything."""
        return self._laggards

    def evidence(self) -> Evidence:
        """What was found out about releases under way."""
        return self._evidence

    def surging(self) -> int:
        """None: all apps are planned together."""
        return 0


def _groups(namespace: str, labels: Mapping[str, str]) -> Iterator[_Group]:
    if names.LANE_APP in labels:
        yield namespace, "lane", labels[names.LANE], labels[names.LANE_APP]
    if names.APP in labels and names.REVISION in labels:
        yield namespace, "app", labels[names.APP], labels[names.REVISION]
