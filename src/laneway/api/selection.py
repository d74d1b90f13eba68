"""Which pods a person means: those of an app, of a lane, of a revision, or one by name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from laneway.manifests import names
from laneway.spec.meta import Key


class Pod(Protocol):
    """What is asked of a pod. deployment: the Deployment that it belongs to."""

    @property
    def key(self) -> Key:
        """Namespace and name."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""

    @property
    def deployment(self) -> str:
        """The name of its Deployment."""


@dataclass(frozen=True, slots=True)
class PodQuery:
    """Conditions that all hold; an empty one holds for every pod.

    app: of an App, those of its lanes included; deployment: of this Deployment; lane: of this lane alone;
    revision: its first digits are enough; pod: by name.
    """

    namespace: str = ""
    app: str = ""
    deployment: str = ""
    lane: str = ""
    revision: str = ""
    pod: str = ""

    def matches(self, pod: Pod) -> bool:
        """Whether a pod is meant."""
        labels = pod.labels
        return (
            self.namespace in ("", pod.key.namespace)
            and self.app in ("", labels.get(names.APP), labels.get(names.LANE_APP))
            and self.deployment in ("", pod.deployment)
            and self.lane in ("", labels.get(names.LANE))
            and labels.get(names.REVISION, "").startswith(self.revision)
            and self.pod in ("", pod.key.name)
        )
