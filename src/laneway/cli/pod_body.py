"""A pod as JSON values, of one machine or of a cluster: what people ask of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from laneway.kubernetes.service.pods import Pod

if TYPE_CHECKING:
    from laneway.control.status import Json

READY, DRAINING = "Ready", "Draining"
_OF_ONE_MACHINE = "laneway.dev/deployment"
"""Label that names a pod's Deployment where there are no ReplicaSets."""


class PodBody(Pod):
    """Implements `laneway.api.selection.Pod`."""

    @property
    def deployment(self) -> str:
        """The Deployment that it belongs to, empty where it belongs to none."""
        return self.labels.get(_OF_ONE_MACHINE) or super().deployment

    @property
    def stage(self) -> str:
        """Where it is in its life, in a word."""
        said = self.body.get("status") or {}
        if "stage" in said:
            return str(said["stage"])
        if "deletionTimestamp" in self.body["metadata"]:
            return DRAINING
        conditions = {each["type"]: each["status"] for each in said.get("conditions") or ()}
        if conditions.get("Ready") == "True":
            return READY
        waiting = [(each.get("state") or {}).get("waiting") or {} for each in self._containers]
        reasons = [each["reason"] for each in waiting if each.get("reason")]
        if said.get("phase") in {"Failed", "Succeeded"}:
            return str(said["phase"])
        return str(reasons[0]) if reasons else "NotReady" if said.get("phase") == "Running" else "Starting"

    @property
    def restarts(self) -> int:
        """How often its containers were started anew."""
        said = self.body.get("status") or {}
        if "restartCount" in said:
            return int(said["restartCount"])
        return sum(each.get("restartCount", 0) for each in self._containers)

    @property
    def address(self) -> str:
        """Its address, `-` before it has one."""
        return (self.body.get("status") or {}).get("podIP") or "-"

    @property
    def _containers(self) -> list[Json]:
        found: list[Json] = (self.body.get("status") or {}).get("containerStatuses") or []
        return found
