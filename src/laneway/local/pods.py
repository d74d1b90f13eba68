"""The Pod: what the store keeps of one replica, read as a value. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from laneway.spec.kubernetes import Container
from laneway.spec.meta import Key

DEPLOYMENT_LABEL = "laneway.dev/deployment"
"""Names the Deployment that a pod belongs to, in the pod's namespace."""

INJECT_ANNOTATION = "sidecar.istio.io/inject"


class Stage(StrEnum):
    """Where a pod is in its life. Only READY takes new requests."""

    STARTING = "Starting"
    READY = "Ready"
    NOT_READY = "NotReady"
    DRAINING = "Draining"


@dataclass(frozen=True, slots=True)
class Pod:
    """One replica.

    pod_ip: where peers dial it; app_address: where its application listens (the same without a sidecar); ports: port to
    dial on both by container port; ever_ready: whether peers may know it.
    """

    key: Key
    deployment: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    container: Container
    grace: timedelta
    sidecar: bool
    pod_ip: str
    app_address: str
    ports: Mapping[int, int]
    port_names: Mapping[str, int]
    stage: Stage
    ever_ready: bool
    restarts: int
    created: datetime
    draining_since: datetime | None = None
    reason: str = ""
    message: str = ""

    @property
    def ready(self) -> bool:
        """Takes new requests."""
        return self.stage is Stage.READY
