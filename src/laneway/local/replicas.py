"""Replicas: makes the pods that Deployments ask for exist as processes. Must not know routes, weights or apps."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Protocol

from laneway.local.pods import Pod
from laneway.local.store import Body, Store
from laneway.spec.meta import Key


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. env: beside what every part gets; cwd: None is the state's directory."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None


class CannotStart(Exception):
    """Why a pod's command cannot be told, with the remedy; shown in the pod's status, tried again with backoff."""


class Sidecars(Protocol):
    """What the replicas need to know of the mesh."""

    def command(self, pod: Pod) -> Command:
        """How to run the pod's proxy."""

    def ready(self, pod: Pod) -> bool:
        """Whether its proxy serves; asked until it says so, again after each restart of the proxy."""

    async def drained(self, pod: Pod) -> None:
        """Returns when every proxy has confirmed the pod's removal and no request is active in it.

        Cancelled when the pod's grace period is over.
        """


class Replicas:
    """All pods of a state.

    Use as `async with`: entering adopts the running processes; leaving lets them run (end them with `stop`).

    application: how to run a pod's application, variables not yet expanded (raises CannotStart); changed: called when a
    pod appears, becomes ready or not ready, starts draining, or is gone.
    """

    def __init__(
        self,
        state: object,
        store: Store,
        addresses: object,
        *,
        application: Callable[[Pod], Command],
        sidecars: Sidecars,
        now: Callable[[], datetime],
        source: random.Random,
        changed: Callable[[Pod], None],
    ) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Replicas:
        """Adopt what runs; restart what is missing."""
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    def set_deployments(self, deployments: Sequence[Body]) -> None:
        """The Deployments that shall run, and no others. Takes effect with `reconcile`."""
        raise NotImplementedError

    def reconcile(self) -> None:
        """Create missing pods and start draining surplus ones. Returns at once."""
        raise NotImplementedError

    def pods(self, deployment: Key | None = None) -> list[Pod]:
        """All pods that exist, starting and draining ones included, by namespace and name."""
        raise NotImplementedError

    def ready_pods(self, deployment: Key | None = None) -> list[Pod]:
        """Pods that take new requests."""
        raise NotImplementedError

    def sidecar_changed(self, key: Key) -> None:
        """Ask `sidecars.ready` for this pod now instead of at the next poll."""
        raise NotImplementedError

    async def stop(self, grace: timedelta) -> None:
        """End every pod without draining and delete it: SIGTERM, SIGKILL after the grace."""
        raise NotImplementedError
