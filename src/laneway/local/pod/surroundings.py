"""What all replicas of a state share, and what they need to know of the mesh. Types only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from laneway.local.container.containers import Command
from laneway.local.container.engines import Engine
from laneway.local.container.volumes import Volumes
from laneway.local.network.networks import Networks
from laneway.local.pod.pods import Pod
from laneway.local.store import Store


class Sidecars(Protocol):
    """What the replicas need to know of the mesh."""

    def command(self, pod: Pod) -> Command:
        """How to run the pod's proxy. Raises CannotStartError."""

    def ready(self, pod: Pod) -> bool:
        """Whether its proxy serves; asked until it says so, again after each restart of the proxy."""

    async def drained(self, pod: Pod) -> None:
        """Returns when every proxy has confirmed the pod's removal and no request is active in it.

        Cancelled when the pod has drained for as long as it may.
        """


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all replicas of a state share.

    folder: where commands without one run; logs: folder of their output; engine: what runs images, None where
    applications are processes.

    application: how to run a pod's application, variables not yet expanded (raises CannotStartError);
    changed: called when a pod appears, becomes ready or not ready, starts draining, or is gone.
    """

    state: str
    block: int
    folder: Path
    logs: Path
    volumes: Volumes
    store: Store
    application: Callable[[Pod], Command]
    sidecars: Sidecars
    engine: Engine | None
    networks: Networks
    now: Callable[[], datetime]
    changed: Callable[[Pod], None]
