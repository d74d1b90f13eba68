"""What a state was started with and keeps when it is resumed: its ingress's port, isolation, runtime and
the pace of its autoscalers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from laneway.local.container.engines import Runtime
from laneway.local.measure.autoscaler import SYNC
from laneway.local.network.isolation import Impossible, Isolation, Mode, decide
from laneway.local.store import Body, Store
from laneway.spec.meta import Key
from laneway.spec.values import format_duration, parse_duration

KIND = "LocalSettings"
KEY = Key("laneway", "default")
ADDRESS = "127.0.0.1"
"""Where the ingress listens."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a start has settled on.

    port: the ingress's; scale_every: from one decision of the autoscaler to the next.
    """

    port: int
    isolation: Isolation
    runtime: Runtime
    scale_every: timedelta


class PortTakenError(Exception):
    """The ingress cannot listen at its port."""

    def __init__(self, port: int, why: str) -> None:
        super().__init__(f"port {port} of {ADDRESS} cannot be the ingress's: {why}")


def ingress_port(store: Store, asked: int | None, held: bool) -> int:
    """The ingress's port: the one asked for, else the one it had, else a free one; kept.

    held: whether this state's ingress still runs, and so has the port that is kept. Raises PortTakenError:
    two Envoys of one user would share a port without a word (SO_REUSEPORT).
    """
    before = kept(store).get("ingressPort")
    port: int = asked or before or 0
    if not (held and port == before):
        port = _free(port)
    _keep(store, {"ingressPort": port}, _why(asked))
    return port


def isolation(
    store: Store, asked: str | None, running: bool, trial: Callable[[], Impossible | None]
) -> Isolation:
    """The isolation of the state's pods, as in `isolation.decide`; kept. Raises IsolationError."""
    said = kept(store).get("isolation")
    before = Isolation(Mode(said["mode"]), said["why"]) if said else None
    found = decide(asked, before, running, trial)
    _keep(store, {"isolation": {"mode": found.mode.value, "why": found.why}}, found.why)
    return found


def runtime_of(store: Store, asked: Runtime | None) -> Runtime:
    """The runtime: the one asked for, else the one it had, else processes; kept."""
    chosen = asked or kept_runtime(kept(store))
    _keep(store, {"runtime": chosen.value}, _why(asked))
    return chosen


def autoscaler_sync(store: Store, asked: timedelta | None) -> timedelta:
    """From one decision of the autoscaler to the next: as asked, as it was, or the default; kept."""
    said = kept(store).get("autoscalerSync")
    chosen = asked or (parse_duration(said) if said else SYNC)
    _keep(store, {"autoscalerSync": format_duration(chosen)}, _why(asked))
    return chosen


def _why(asked: object) -> str:
    return "asked for" if asked else "kept for the next start"


def kept_runtime(spec: Body) -> Runtime:
    """The runtime that a state's settings say."""
    return Runtime(spec.get("runtime", Runtime.PROCESS))


def kept(store: Store) -> Body:
    """What the state was started with, by field; empty before its first start."""
    settings = store.get(KIND, KEY)
    return settings["spec"] if settings else {}


def _keep(store: Store, fields: Body, reason: str) -> None:
    settings: Body = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": KIND,
        "metadata": {"namespace": KEY.namespace, "name": KEY.name},
        "spec": kept(store) | fields,
    }
    store.put(settings, reason=reason, by="laneway")


def _free(port: int) -> int:
    """The port, or any where it is 0. Raises PortTakenError."""
    with socket.socket() as probe:
        # Connections of an ingress that has just ended keep its port for a minute, but not from a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise PortTakenError(port, (error.strerror or str(error)).lower()) from None
        found: int = probe.getsockname()[1]
        return found
