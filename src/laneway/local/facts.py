"""What this engine knows beside the stored objects: its pods, and what proxies have confirmed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from laneway.local.pod.pods import Pod
from laneway.manifests import names
from laneway.plan.observed import Evidence, VersionSeen
from laneway.spec.meta import Key

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
        self._seen: dict[names.Version, list[int]] = {}
        for pod in pods:
            if version := names.version_of(pod.key.namespace, pod.labels):
                count = self._seen.setdefault(version, [0, 0])
                count[0] += 1
                count[1] += pod.ready

    def version(self, namespace: str, labels: Mapping[str, str]) -> VersionSeen:
        """Pods of one version of an app or of a lane."""
        version = names.version_of(namespace, labels)
        assert version is not None, labels
        pods, available = self._seen.get(version, (0, 0))
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
