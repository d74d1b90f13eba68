"""What a state was started with and keeps when it is resumed: the port of its ingress."""

from __future__ import annotations

import socket
from typing import Any

from laneway.local.store import Store
from laneway.spec.meta import Key

KIND = "LocalSettings"
KEY = Key("laneway", "default")


def ingress_port(store: Store, asked: int | None) -> int:
    """The ingress's port: the one asked for, else the one it had, else a free one; kept."""
    before = store.get(KIND, KEY)
    port = asked or (before["spec"]["ingressPort"] if before else _free_port())
    settings: dict[str, Any] = {
        "apiVersion": "laneway.dev/v1alpha1",
        "kind": KIND,
        "metadata": {"namespace": KEY.namespace, "name": KEY.name},
        "spec": {"ingressPort": port},
    }
    store.put(settings, reason="asked for" if asked else "kept for the next start", by="laneway")
    return int(port)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
