"""The files of this machine that objects name: a proxy refuses an object whose files it cannot read.

Owns the look at the disk. Must not know what is in a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from laneway.mesh.client_tls import files_of
from laneway.mesh.refusals import Refusal
from laneway.mesh.refusals.common import field_of
from laneway.spec.istio import DestinationRule, Gateway
from laneway.spec.meta import Object


def unreadable(value: Object) -> tuple[Refusal, ...]:
    """The files that an object names and this process, whose user runs the proxies, cannot read."""
    match value:
        case DestinationRule():
            files = _of_policies(value)
        case Gateway():
            files = _of_servers(value)
        case _:
            return ()
    found = [(field, path) for field, path in files if not _readable(path)]
    text = "{} cannot be read on this machine; name a PEM file that can"
    return tuple(Refusal(value.kind, value.key, f"spec.{field}", text.format(path)) for field, path in found)


def _readable(path: str) -> bool:
    return Path(path).is_file() and os.access(path, os.R_OK)


def _of_policies(rule: DestinationRule) -> Iterator[tuple[str, str]]:
    """Fields and paths."""
    for place, policy in rule.spec.policies():
        for below, part in policy.parts():
            for name, path in files_of(part.tls).items():
                yield field_of((*place, *below, "tls", name)), path


def _of_servers(gateway: Gateway) -> Iterator[tuple[str, str]]:
    """Fields and paths."""
    for index, server in enumerate(gateway.spec.servers):
        if server.tls is not None:
            for name, path in server.tls.files.items():
                yield field_of(("servers", index, "tls", name)), path
