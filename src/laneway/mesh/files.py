"""The files of this machine that objects name: a proxy refuses an object whose files it cannot read.

Owns the look at the disk. Must not know what is in a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from laneway.mesh.client_tls import files_of
from laneway.mesh.refusals import Refusal
from laneway.mesh.refusals.common import Finding, field_of
from laneway.spec.istio import DestinationRule
from laneway.spec.meta import Object


def unreadable(value: Object) -> tuple[Refusal, ...]:
    """The files that an object names and this process, whose user runs the proxies, cannot read."""
    found = _certificates(value) if isinstance(value, DestinationRule) else ()
    return tuple(Refusal(value.kind, value.key, f"spec.{field}", text) for field, text in found)


def _certificates(rule: DestinationRule) -> Iterator[Finding]:
    for place, policy in rule.spec.policies():
        for below, part in policy.parts():
            for name, path in files_of(part.tls).items():
                if not (Path(path).is_file() and os.access(path, os.R_OK)):
                    field = field_of((*place, *below, "tls", name))
                    yield field, f"{path} cannot be read on this machine; name a PEM file that can"
