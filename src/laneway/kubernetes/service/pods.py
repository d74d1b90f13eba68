"""Pods of a cluster as people ask for them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from laneway.spec.meta import Key, key_of

Json = dict[str, Any]

HASH = "pod-template-hash"


@dataclass(frozen=True)
class Pod:
    """Implements `laneway.api.selection.Pod`."""

    body: Json

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return key_of(self.body)

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        found: Mapping[str, str] = self.body["metadata"].get("labels") or {}
        return found

    @property
    def deployment(self) -> str:
        """The Deployment behind its ReplicaSet, which is named after both it and the template's hash."""
        owners = self.body["metadata"].get("ownerReferences") or ()
        sets = [owner["name"] for owner in owners if owner["kind"] == "ReplicaSet"]
        digits = self.labels.get(HASH)
        return str(sets[0]).removesuffix(f"-{digits}") if sets and digits else ""
