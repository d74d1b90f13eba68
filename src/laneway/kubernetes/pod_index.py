"""The pods of the cluster, by what they are a version of. Must not know which Apps there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from laneway.kubernetes.api.seen import PodSeen
from laneway.manifests import names
from laneway.manifests.names import Version
from laneway.spec.meta import Key


class PodIndex:
    """For one event loop. meshed: those that get rules, by key, and whether each is a gateway."""

    def __init__(self) -> None:
        self.meshed: dict[Key, bool] = {}
        self._of: dict[Version, dict[Key, PodSeen]] = defaultdict(dict)

    def of(self, version: Version) -> Mapping[Key, PodSeen]:
        """The pods of a version."""
        return self._of.get(version, {})

    def take(self, before: PodSeen | None, now: PodSeen | None) -> frozenset[Key]:
        """A pod as it was heard, None where it is not there. Returns the apps for which that matters."""
        for pod, there in ((before, False), (now, True)):
            if pod is None:
                continue
            if version := _version_of(pod):
                of = self._of[version]
                of.pop(pod.key, None)
                if there:
                    of[pod.key] = pod
                elif not of:
                    del self._of[version]
            self.meshed.pop(pod.key, None)
            if there and pod.sidecar and pod.ready and not pod.deleting:
                self.meshed[pod.key] = pod.gateway
        if before and now and _matters(before) == _matters(now):
            return frozenset()
        if before is None and now and not now.ready:
            return frozenset()  # it was asked for, and counts since then
        return frozenset(_app_of(pod) for pod in (before, now) if pod and _version_of(pod))

    def has_others(self, pod: PodSeen) -> bool:
        """Whether other pods of a pod's version take requests."""
        version = _version_of(pod)
        return version is not None and any(
            each.ready and not each.deleting and each.key != pod.key for each in self.of(version).values()
        )

    def ready(self, app: Key) -> int:
        """How many pods of any revision of an app take requests."""
        return sum(
            pod.ready and not pod.deleting
            for version, pods in self._of.items()
            if (version.namespace, version.kind, version.of) == (app.namespace, "app", app.name)
            for pod in pods.values()
        )


def _version_of(pod: PodSeen) -> Version | None:
    return names.version_of(pod.key.namespace, pod.labels)


def _app_of(pod: PodSeen) -> Key:
    return Key(pod.key.namespace, pod.labels.get(names.LANE_APP) or pod.labels[names.APP])


def _matters(pod: PodSeen) -> Mapping[str, object]:
    return {"ready": pod.ready, "deleting": pod.deleting, "labels": pod.labels}
