"""Which pods a person means: those of an app, of a lane, of a revision, or one by name. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from laneway.local.pod.pods import Pod
from laneway.manifests import names


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
