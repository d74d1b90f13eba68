"""Whether an object is done, as kstatus computes it: what Flux, kpt and Config Sync wait for.

Its documented rules for kinds that it does not know, and no more.
https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def computed(body: Mapping[str, Any]) -> str:
    """`Current`, `InProgress`, `Failed` or `Terminating`."""
    metadata, status = body["metadata"], body.get("status") or {}
    if "deletionTimestamp" in metadata:
        return "Terminating"
    if "observedGeneration" in status and status["observedGeneration"] != metadata["generation"]:
        return "InProgress"
    conditions = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    if conditions.get("Stalled") == "True":
        return "Failed"
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Ready") in {"False", "Unknown"}:
        return "InProgress"
    return "Current"
