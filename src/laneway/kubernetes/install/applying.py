"""Has the API server take what is installed, and waits until its kinds are served.

Must not know what is installed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import anyio

from laneway.kubernetes.api.server import Server
from laneway.spec.defaults import without_server_fields
from laneway.spec.meta import Key

Manifest = dict[str, Any]

DEFINITION = "CustomResourceDefinition"
PAUSE_SECONDS = 0.2
_WRONG = {"NonStructuralSchema": "True", "Terminating": "True", "NamesAccepted": "False"}
"""Conditions of a definition that will not be served as it is, with the status that says so."""


class NotEstablishedError(Exception):
    """A kind is not served: its definition was taken, but what it says cannot be."""


async def install(server: Server, manifests: Iterable[Manifest]) -> AsyncIterator[tuple[Manifest, str]]:
    """Apply each object, and say what became of it: created, configured, unchanged.

    A definition has taken effect when it is yielded. Raises what `Server.apply` raises, and
    NotEstablishedError.
    """
    for manifest in manifests:
        before = await server.get(manifest["kind"], _key(manifest))
        after = await server.apply(manifest, force=True)
        if manifest["kind"] == DEFINITION:
            await _established(server, _key(manifest))
        yield manifest, _operation(before, after)


def _operation(before: Manifest | None, after: Manifest) -> str:
    if before is None:
        return "created"
    same = without_server_fields(before) == without_server_fields(after)
    return "unchanged" if same else "configured"


async def _established(server: Server, key: Key) -> None:
    while True:
        body: Manifest = await server.get(DEFINITION, key) or {}
        conditions = body.get("status", {}).get("conditions") or ()
        said: dict[str, Manifest] = {each["type"]: each for each in conditions}
        for kind, status in _WRONG.items():
            if kind in said and said[kind]["status"] == status:
                raise NotEstablishedError(f"{key.name}: {said[kind].get('message') or kind}")
        if "Established" in said and said["Established"]["status"] == "True":
            return
        await anyio.sleep(PAUSE_SECONDS)


def _key(manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])
